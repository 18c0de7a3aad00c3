// The buttons of the time machine, Play, and the arrow keys. One movement is under way at a time:
// what is pressed before the page is complete is added up and sent with the next one.

const PATIENCE = 5000; // milliseconds after which a page that never came is not waited for
const KEYS = {
  ArrowLeft: { samples: -1 },
  ArrowRight: { samples: 1 },
  ArrowUp: { steps: 1 },
  ArrowDown: { steps: -1 },
};
// Where arrow keys have a meaning of their own.
const THEIR_OWN =
  "input, textarea, select, [contenteditable=''], [contenteditable='true'], [role='slider'], " +
  "[role='listbox'], [role='combobox'], [role='menu'], [role='spinbutton'], [role='dialog']";

function move(bar, { steps = 0, samples = 0 }) {
  bar.pending.steps += steps;
  bar.pending.samples += samples;
  if (bar.sentAt && Date.now() - bar.sentAt < PATIENCE) return;
  const wanted = bar.pending;
  bar.pending = { steps: 0, samples: 0 };
  const last = bar.data.count - 1;
  const step = Math.min(Math.max(bar.data.at + wanted.steps, 0), last);
  const sample = Math.min(Math.max(bar.data.sample + wanted.samples, 0), bar.data.samples - 1);
  // Past the last snapshot stands "latest", which follows a live run.
  const past = bar.data.at + wanted.steps > last;
  const follows =
    wanted.steps === 0
      ? bar.data.follows
      : past && (bar.data.follows || bar.data.live || wanted.steps > 1);
  const stays = step === bar.data.at && sample === bar.data.sample;
  if (stays && (!follows || bar.data.follows)) return;
  bar.sentAt = Date.now();
  bar.send("move", { step: follows ? null : step, sample });
}

function play(bar, on) {
  clearTimeout(bar.timer);
  bar.playing = on;
  const label = on ? "Pause" : "Play";
  const button = bar.host.querySelector(".play");
  button.setAttribute("aria-label", label);
  button.title = label;
  button.classList.toggle("on", on);
  if (!on) return;
  const pace = Number(bar.host.querySelector("select").value);
  bar.timer = setTimeout(() => move(bar, { steps: 1 }), pace);
}

function pressed(bar, event) {
  const target = event.composedPath()[0];
  const theirs = target instanceof Element && target.closest(THEIR_OWN);
  const way = KEYS[event.key];
  if (!way || theirs || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  event.preventDefault(); // or the page scrolls
  if (way.steps) play(bar, false);
  move(bar, way);
}

function draw(bar) {
  const { at, count, follows } = bar.data;
  const buttons = bar.host.querySelectorAll("button[data-steps]");
  for (const button of buttons) {
    const forward = Number(button.dataset.steps) > 0;
    button.disabled = forward ? at >= count - 1 && (follows || !bar.data.live) : at <= 0;
  }
  bar.host.querySelector(".play").disabled = count < 2;
  bar.host.querySelector(".where").textContent = `snapshot ${at + 1} of ${count}`;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".time");
  let bar = host.bar;
  if (!bar) {
    bar = { host, data, pending: { steps: 0, samples: 0 }, sentAt: 0, playing: false };
    host.bar = bar;
    for (const button of host.querySelectorAll("button[data-steps]")) {
      button.onclick = () => {
        play(bar, false);
        const steps = Number(button.dataset.steps);
        move(bar, { steps: Math.abs(steps) > 1 ? Math.sign(steps) * bar.data.count : steps });
      };
    }
    host.querySelector(".play").onclick = () => {
      const start = !bar.playing;
      play(bar, start);
      // From the end it plays from the beginning.
      if (start && bar.data.at >= bar.data.count - 1) move(bar, { steps: -bar.data.count });
    };
    host.querySelector("select").onchange = () => play(bar, bar.playing);
    bar.keys = (event) => pressed(bar, event);
    document.addEventListener("keydown", bar.keys);
  }
  bar.data = data;
  bar.send = setTriggerValue;
  draw(bar);
  if (bar.turn !== data.turn) {
    bar.turn = data.turn; // the page is complete
    bar.sentAt = 0;
    if (bar.pending.steps || bar.pending.samples) move(bar, {});
    else if (bar.playing) play(bar, data.at < data.count - 1);
  }
  return () => {
    clearTimeout(bar.timer);
    document.removeEventListener("keydown", bar.keys);
    host.bar = undefined;
  };
}
