// "?" shows the keys and what the words mean. Each heading of a table, tab and label that is a word
// of the field says what it means where one points at it. KEYS and WORDS come from `keys.py`.

if (!window.keysAndWords) {
  window.keysAndWords = true;
  const meaning = new Map(Object.entries(WORDS));
  const LABELS = "th, [data-testid='stWidgetLabel'] p, [data-testid='stMetricLabel'] p, "
    + "[role='tab'] p, .legend span, [data-testid='stMarkdownContainer'] h3";

  // What is new is spoken once: answers of a training and the state it is in, the selected slot,
  // and how far a job is, at each quarter of its way.
  const spoken = document.createElement("div");
  spoken.id = "spoken";
  spoken.setAttribute("role", "status");
  spoken.setAttribute("aria-live", "polite");
  document.body.append(spoken);
  const ANSWER = /took effect at step|waiting for the training process|of cell .* adds|^(starting|running|paused|finished|stopped|failed|lost)$/;
  const LINES = "[data-testid='stCaptionContainer'], .stMarkdownBadge, .st-key-line p";
  let heard = new Map();
  const speak = () => {
    const lines = [...document.querySelectorAll(LINES)]
      .flatMap((line) => line.textContent.split(" · "))
      .map((text) => text.trim()).filter((text) => ANSWER.test(text));
    const said = new Map(lines.map((text) => [text, text]));
    for (const bar of document.querySelectorAll("[data-testid='stProgress']")) {
      const share = bar.querySelector("[role='progressbar']").ariaValueNow;
      said.set(`quarter ${Math.floor(share / 25)}`, bar.textContent.trim());
    }
    const news = [...said].filter(([key]) => !heard.has(key)).map(([, text]) => text);
    heard = said;
    if (news.length) spoken.textContent = news.join(". ");
  };

  // "λ xy" and "term, unweighted" are about the word in them; "objects" is about "object".
  const told = (text) => {
    const word = text.trim().replace(/^λ(?: ×)? /, "");
    const low = word.toLowerCase();
    for (const each of [word, low, low.replace(/s$/, ""), low.split(",")[0]]) {
      if (meaning.has(each)) return meaning.get(each);
    }
    return undefined;
  };
  const explain = () => {
    for (const label of document.querySelectorAll(LABELS)) {
      if (label.dataset.word === label.textContent) continue;
      label.dataset.word = label.textContent;
      const words = told(label.textContent);
      if (words) label.title = words;
      else label.removeAttribute("title");
    }
    for (const tab of document.querySelectorAll(".st-key-head-tab button"))
      tab.title = "A head: rows × columns of its grid, and how many of its slots are trained for an object";
    // A line in bold alone stands above what it names.
    for (const line of document.querySelectorAll("[data-testid='stMarkdownContainer'] > p")) {
      const [bold] = line.children;
      if (line.children.length !== 1 || bold.tagName !== "STRONG") continue;
      if (bold.textContent.trim() !== line.textContent.trim()) continue;
      line.setAttribute("role", "heading");
      line.setAttribute("aria-level", "3");
    }
    // Streamlit gives a label as it was written, with what keeps markdown from being drawn.
    for (const field of document.querySelectorAll("[aria-label*='\\\\']"))
      field.setAttribute("aria-label", field.getAttribute("aria-label").replace(/\\(?=[^A-Za-z0-9\s])/g, ""));
    // Light or dark is the page's, not the system's.
    open.style.color = getComputedStyle(document.querySelector("[data-testid='stApp']")).color;
    speak();
  };
  let asked = false;
  const soon = () => {
    if (asked) return;
    asked = true;
    setTimeout(() => { asked = false; explain(); }, 300);
  };
  new MutationObserver(soon).observe(document.body, { childList: true, characterData: true, subtree: true });
  soon();

  const dialog = document.createElement("dialog");
  dialog.id = "keys-and-words";
  dialog.setAttribute("aria-label", "Keys and words");
  const list = (title, entries) => {
    const part = document.createElement("section");
    part.append(Object.assign(document.createElement("h2"), { textContent: title }));
    const table = document.createElement("dl");
    for (const [name, words] of Object.entries(entries)) {
      table.append(Object.assign(document.createElement("dt"), { textContent: name }));
      table.append(Object.assign(document.createElement("dd"), { textContent: words }));
    }
    part.append(table);
    return part;
  };
  const close = Object.assign(document.createElement("button"), { textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  dialog.append(close, list("Keys", KEYS), list("Words", WORDS));
  dialog.addEventListener("click", ({ target }) => { if (target === dialog) dialog.close(); });
  document.body.append(dialog);

  const show = () => {
    const { backgroundColor, color, fontFamily } = getComputedStyle(
      document.querySelector("[data-testid='stApp']"));
    Object.assign(dialog.style, { backgroundColor, color, fontFamily });
    dialog.showModal();
  };
  addEventListener("keydown", (event) => {
    const types = event.target.closest?.("input, textarea, [contenteditable='true']");
    if (event.key !== "?" || types || event.ctrlKey || event.metaKey || event.altKey) return;
    if (dialog.open) dialog.close();
    else show();
    event.preventDefault();
  });
  const open = Object.assign(document.createElement("button"), { textContent: "?", type: "button" });
  open.id = "show-keys";
  open.setAttribute("aria-label", "Keys and words");
  open.title = "Keys and words (?)";
  open.addEventListener("click", show);
  document.body.append(open);
}
