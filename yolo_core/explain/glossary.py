"""The words of the field, as the pages use them. The one table; nothing of it is said elsewhere."""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "adds": "What the slot adds to the weighted loss of this sample: its share of each term times "
    "the lambda of that term, summed.",
    "anchor": "A box of a fixed size that a slot starts from: the network predicts how an object "
    "differs from it. Also called a prior, or a default box.",
    "AP": "Average precision of one class: the area under its curve of precision over recall.",
    "batch": "The samples of one training step. A batch snapshot is that very batch, in training "
    "mode.",
    "candidate": "A slot that was compared for an object when slots were given out.",
    "cell": "A field of a head's grid. In most losses it answers for the objects whose centre it "
    "holds.",
    "channel": "One raw number of a slot, such as x, objectness or the score of a class.",
    "checkpoint": "All weights and the state of the optimizer on disk, as they were after a step; "
    "a training can go on from there.",
    "classification": "The term about which class an object is of.",
    "fork": "A run that begins with a checkpoint of another one and goes on with other lambdas.",
    "gradient": "How strongly, and which way, the loss pulls at a raw number.",
    "head": "One output of the network with a grid of its own; a coarse grid for large objects, a "
    "fine one for small ones.",
    "ignored": "Neither trained for an object nor to say that there is none: left alone.",
    "IoU": "Intersection over union: the area that two boxes share, by the area that both cover "
    "together. 1 for the same box, 0 where they do not meet.",
    "lambda": "The weight of a term: the loss is the sum of lambda times term.",
    "ledger": "One row an object: the slot that is trained for it and its status, or why it has "
    "none.",
    "map": "A term before it is summed: one number a slot; its sum is the term.",
    "mAP": "Mean of the average precisions of all classes; mAP50 counts a box as found from IoU "
    "0.5 on.",
    "matched": "The object is trained by a slot, alone.",
    "no object": "The slot is trained to say that there is nothing.",
    "no_object": "The term of the slots that are trained to say that there is no object.",
    "object": "A labelled box with its class; of slots, those that are trained for one.",
    "objectness": "How sure a slot is that it holds an object; the term that trains this.",
    "overwritten": "Another object took the slot that this one wanted: no term is about it.",
    "part": "What the loss does with a slot: object, no object or ignored. Each slot is in one.",
    "pinned": "A sample that is looked at again and again while a run trains, in inference mode.",
    "precision": "Of the boxes that were predicted, the share that is right.",
    "recall": "Of the objects that there are, the share that was found.",
    "run": "One training, with its folder on disk.",
    "sample": "A picture with its labelled objects.",
    "shape IoU": "IoU of two boxes laid over one another with a common centre: of sizes alone.",
    "shared": "Two objects train one slot; both count.",
    "slot": "One predictor of the network: a head, a row, a column, and an anchor or number in "
    "that cell.",
    "snapshot": "The loss taken apart at one step, written by the process that trains.",
    "status": "What became of an object: matched, shared, overwritten, outside, zero area, below "
    "threshold, or invalid.",
    "step": "One update of the weights. Step k is the k-th.",
    "suppressed": "Left out of the detections: a better box of that class overlaps it.",
    "target": "What a slot is trained to put out.",
    "term": "One named part of a loss, before its weight.",
    "wh": "The term about width and height of boxes.",
    "xy": "The term about the centre of boxes.",
}
"""{word: what it means here}, in the order of the alphabet."""


def meaning(label: str) -> str | None:
    """What a label means: "λ × xy" and "term, unweighted" are about the word in them.

    `keys.js` reads labels in the same way.
    """
    word = label.strip().removeprefix("λ × ").removeprefix("λ ")
    low = word.lower()
    forms = (word, low, low.removesuffix("s"), low.split(",")[0])
    return next((GLOSSARY[form] for form in forms if form in GLOSSARY), None)
