// Draws a Plotly figure and keeps it: a new figure under the same key is drawn into the same
// element (Plotly.react), so zoom, pan and hidden legend entries stay while data comes in. Marks lie
// over it: where they alone are new, the figure is left alone, which is ten times as fast.

const MARK = "mark"; // the name of a shape that is no part of the figure
const PATIENCE = 2000; // milliseconds in which answers to keys come
const DOUBLE = 350; // milliseconds in which a second click comes
const LEAST = 240; // pixels of a picture, however small the window
const NARROW = 1000; // pixels of a window below which columns stand below one another
const SHARE = 100, LONGEST = 10_000; // a live figure rests this many times what drawing it took, ms
const WAYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

let library;
const zooms = new Map(); // what of the horizontal axis is shown, by layout.meta.linked

function load(url) {
  if (!library) {
    library = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => {
        library = undefined; // so that the next figure tries again
        reject(new Error(`plotly.js could not be loaded from ${url}.`));
      };
      document.head.appendChild(script);
    });
  }
  return library;
}

// Pictures grow with the page, up to most of the window: layout.meta.aspect is height by width,
// without the margins; layout.meta.most is that part of the window. Where layout.meta.below is given,
// [pixels, part of the window], that much stays below the picture without scrolling. Other figures
// take layout.meta.window of the window's height.
function heightOf(host, layout) {
  const { aspect, below, most = 0.78, window: part } = layout.meta ?? {};
  if (part) return Math.max(LEAST, Math.round(part * window.innerHeight));
  if (!aspect || !host.clientWidth) return layout.height ?? 450;
  const { t = 0, b = 0, l = 0, r = 0 } = layout.margin ?? {};
  const { innerHeight } = window;
  let room = most * innerHeight;
  if (below) {
    let top = host.getBoundingClientRect().top;
    for (let at = host.parentElement; at; at = at.parentElement) top += at.scrollTop;
    // In a narrow window, where it stands further down, it has a window of its own.
    const alone = innerWidth < NARROW && top > innerHeight / 2;
    if (!alone) room = Math.max(LEAST, innerHeight - top - below[0] - below[1] * innerHeight);
  }
  return Math.round(Math.min((host.clientWidth - l - r) * aspect + t + b, room));
}

// Where a picture that is zoomed into stands in the whole, as a small one with a frame.
function miniMap(host) {
  const picture = host.layout_asked?.images?.[0];
  if (!host.layout_asked?.meta?.zoom || !picture) return;
  const { xaxis, yaxis } = host._fullLayout;
  const [left, right] = xaxis.range.map((at) => at / picture.sizex);
  const [bottom, top] = yaxis.range.map((at) => at / picture.sizey);
  host.querySelector(".mini-map")?.remove();
  if (right - left > 0.97 && bottom - top > 0.97) return;
  const map = document.createElement("div");
  map.className = "mini-map";
  map.style.aspectRatio = `${picture.sizex} / ${picture.sizey}`;
  map.style.backgroundImage = `url(${picture.source})`;
  const frame = document.createElement("div");
  const cut = (at) => 100 * Math.min(Math.max(at, 0), 1);
  frame.style.left = `${cut(left)}%`;
  frame.style.right = `${100 - cut(right)}%`;
  frame.style.top = `${cut(top)}%`;
  frame.style.bottom = `${100 - cut(bottom)}%`;
  map.append(frame);
  host.append(map);
}

// The arrow keys move the selected cell while the picture has the focus; digits choose a slot, Escape
// gives the keys back to the page.
function walk(host, event) {
  const { place, size } = host.cell;
  const way = WAYS[event.key];
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  if (way) {
    const row = Math.min(Math.max(place[1] + way[0], 0), size[0] - 1);
    const column = Math.min(Math.max(place[2] + way[1], 0), size[1] - 1);
    host.cell = { place: [place[0], row, column], size }; // pressed again before the answer
    host.asked = { place: String(host.cell.place), at: Date.now() };
    host.send("click", host.cell.place);
  } else if (/^[0-9]$/.test(event.key) && Number(event.key) < size[2]) {
    host.send("click", [...place.slice(0, 3), Number(event.key)]);
  } else if (event.key === "Escape") document.activeElement?.blur();
  else return;
  event.preventDefault();
  event.stopPropagation(); // the page has arrow keys of its own
}

// The other figures with the same layout.meta.linked: pointed at, and zoomed into, together.
function linked(host) {
  const name = host.layout_asked?.meta?.linked;
  if (!name) return [];
  return [...document.querySelectorAll(".plot")].filter(
    (each) => each !== host && each._fullLayout && each.layout_asked?.meta?.linked === name);
}

function zoomLinked(Plotly, host, changes) {
  const { xaxis } = host.layout;
  if (host.led || !Object.keys(changes).some((name) => name.startsWith("xaxis."))) return;
  const range = changes["xaxis.autorange"] ? undefined : [...xaxis.range];
  zooms.set(host.layout_asked.meta.linked, range);
  for (const other of linked(host)) {
    other.led = true; // not by hand
    Plotly.relayout(other, range ? { "xaxis.range": range } : { "xaxis.autorange": true })
      .finally(() => { other.led = false; });
  }
}

// None of plotly's buttons is a stop of the Tab key: they would be six a figure.
function quiet(host) {
  for (const button of host.querySelectorAll(".modebar-btn")) button.tabIndex = -1;
}

// The page's own colours and font, light or dark; whatever a figure sets itself wins.
function template(style) {
  const value = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const line = value("border-color");
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true };
  return {
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: value("text-color"), family: value("font"), size: 12 },
      xaxis: axis,
      yaxis: axis,
      legend: { bgcolor: "rgba(0,0,0,0)" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: line, activecolor: value("text-color") },
      hoverlabel: {
        bgcolor: value("secondary-background-color"),
        bordercolor: line,
        font: { color: value("text-color") },
      },
    },
  };
}

// The shapes that the figure itself brings, and the marks over it.
function over(own, marks) {
  const shapes = JSON.parse(marks).map((shape) => ({ ...shape, name: MARK }));
  return { shapes: [...(own.shapes ?? []), ...shapes] };
}

// The marks that are to lie over a figure, of marks.js, and the selected cell with them.
function marksOf(host) {
  const { marks = "[]", cell } = window.marks_of_plots?.get(host.dataset.name) ?? {};
  if (cell) {
    host.tabIndex = 0;
    // The answer to a key before the last one says where the cell was meanwhile.
    const { place, at = 0 } = host.asked ?? {};
    const late = place !== String(cell.place.slice(0, 3)) && Date.now() - at < PATIENCE;
    if (!late) host.cell = cell;
  }
  return marks;
}

async function remark(host, Plotly) {
  await released(host);
  const marks = marksOf(host);
  if (!host.isConnected || host.marks === marks) return;
  host.marks = marks;
  host.by_hand = false;
  await Plotly.relayout(host, over(host.layout_asked, marks));
  host.by_hand = true;
}

// A drawing would take the dragged shape, or the corner of a zoom, from under the mouse.
async function released(host) {
  while (host.held) await host.held;
}

// Step 0 is a value, too.
function hasData({ customdata }) {
  return customdata !== undefined;
}

// Sends what the clicked cell of a map carries, or else the clicked point.
function clicked(host, event, points) {
  if (!host.click_enabled) return;
  const value = cellUnder(host, event) ?? points.find(hasData)?.customdata;
  host.asked = undefined;
  clearTimeout(host.single);
  if (host.layout_asked?.meta?.linked) {
    // A place on the axis; with a second click it was meant to give the whole back.
    if (event.detail < 2) host.single = setTimeout(() => host.send("click", points[0].x), DOUBLE);
    return;
  }
  if (value !== undefined) host.send("click", ArrayBuffer.isView(value) ? Array.from(value) : value);
}

// Plotly tells what was pointed at last, which on a busy page is what was there before: it looks
// again every 50 ms at most. So this goes by where the click was.
function cellUnder(host, { clientX, clientY, target }) {
  const axes = target.dataset?.subplot ? target : host.querySelector(".nsewdrag");
  const plot = host._fullLayout._plots[axes.dataset.subplot];
  const map = host._fullData.find((each) => each.type === "heatmap" && each.customdata && on(each, plot));
  if (!map) return undefined;
  const { left, top } = axes.getBoundingClientRect();
  const column = Math.round((plot.xaxis.p2d(clientX - left) - map.x0) / map.dx);
  const row = Math.round((plot.yaxis.p2d(clientY - top) - map.y0) / map.dy);
  return map.customdata[row]?.[column];
}

function on(trace, { xaxis, yaxis }) {
  return trace.xaxis === xaxis._id && trace.yaxis === yaxis._id;
}

// Curves that go on by themselves may not take the processor from the training that makes them: they
// wait for the next drawing, and in a tab that nobody sees for somebody who does. What was asked for,
// another scale or another run, is drawn at once.
async function due(host, { live }) {
  const asked = live === null || live !== host.live;
  host.live = live;
  if (asked) return;
  const left = host.drawn_at + Math.min(SHARE * host.cost, LONGEST) - performance.now();
  if (left > 0) await new Promise((done) => setTimeout(done, left));
  while (document.hidden)
    await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

export default async function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".plot");
  host.turn = (host.turn ?? 0) + 1;
  const turn = host.turn;
  await due(host, data);
  const Plotly = await load(data.library);
  // Measured in another font, legend and labels would take other places at the next drawing.
  await document.fonts.load(`12px ${getComputedStyle(host).getPropertyValue("--st-font")}`);
  await released(host);
  if (turn !== host.turn || !host.isConnected) return undefined; // a newer figure is on its way

  host.dataset.name = data.marked ?? "";
  const look = template(getComputedStyle(host));
  const drawn = data.figure + JSON.stringify(look);
  host.setAttribute("role", "figure");
  host.setAttribute("aria-label", data.alt);
  host.click_enabled = data.clickable;
  host.send = setTriggerValue;
  const figure = host.drawn === drawn ? undefined : JSON.parse(data.figure);
  const config = {
    displaylogo: false,
    showSendToCloud: false, // pictures and numbers stay on this machine
    responsive: true,
    scrollZoom: Boolean(figure?.layout.meta?.zoom),
    doubleClick: false, // two quick clicks on two cells are one to plotly: see below
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
    edits: { shapePosition: Boolean(data.shapes) },
  };
  host.by_hand = false;
  if (figure) {
    const marks = marksOf(host);
    figure.layout.template = look;
    figure.layout.autosize = true;
    const zoom = zooms.get(figure.layout.meta?.linked);
    if (zoom) figure.layout.xaxis = { ...figure.layout.xaxis, range: zoom, uirevision: String(zoom) };
    host.layout_asked = { ...figure.layout };
    figure.layout.height = heightOf(host, host.layout_asked);
    host.style.height = `${figure.layout.height}px`;
    const begun = performance.now();
    host.marks = marks;
    await Plotly.react(host, figure.data, { ...figure.layout, ...over(figure.layout, marks) }, config);
    host.drawn_at = performance.now();
    host.cost = host.drawn_at - begun;
  }
  host.drawn = drawn;
  host.remark = () => remark(host, Plotly);
  await host.remark();
  host.by_hand = true;
  quiet(host);
  miniMap(host);
  apart(host);
  if (!host.observer) {
    host.on("plotly_click", ({ event, points }) => clicked(host, event, points));
    host.addEventListener("pointerdown", ({ clientX, clientY }) => {
      host.pressed = [clientX, clientY];
      host.held = new Promise((done) => {
        // After plotly, which goes by mouseup.
        const end = () => setTimeout(() => done((host.held = undefined)));
        window.addEventListener("pointerup", end, { once: true, capture: true });
      });
    }, true);
    host.addEventListener("click", (event) => {
      // The browser counts clicks at one place.
      if (event.detail === 2 && event.target.classList?.contains("drag"))
        host.querySelector('.modebar-btn[data-val="reset"]')?.click();
      // Shapes that can be dragged keep clicks from what is under them.
      if (!event.target.closest?.(".shapelayer")) return;
      const [x, y] = host.pressed;
      if (Math.hypot(event.clientX - x, event.clientY - y) < 3) clicked(host, event, []);
    });
    host.addEventListener("keydown", (event) => host.cell && walk(host, event));
    host.on("plotly_afterplot", () => {
      apart(host);
      quiet(host); // drawn anew when the window changes
    });
    host.on("plotly_hover", ({ event, points }) => {
      if (!event?.isTrusted) return; // pointed at by what follows
      for (const other of linked(host)) Plotly.Fx.hover(other, { xval: points[0].x }, "xy");
    });
    host.on("plotly_unhover", () => linked(host).forEach((other) => Plotly.Fx.unhover(other)));
    host.on("plotly_relayout", (changes) => {
      miniMap(host);
      if (host.layout_asked?.meta?.linked) zoomLinked(Plotly, host, changes);
      // Dragged, drawn or erased by hand; a resize of the page changes no shape.
      if (!host.by_hand || !Object.keys(changes).some((name) => name.startsWith("shapes"))) return;
      host.drawn = undefined; // whatever the answer is, it is drawn
      const place = ({ name, x0, y0, x1, y1 }) => [name ?? null, x0, y0, x1, y1];
      const own = (host.layout.shapes ?? []).filter((shape) => shape.name !== MARK);
      host.send("shapes", own.map(place));
    });
    host.observer = new ResizeObserver(() => {
      if (!host.isConnected || host.offsetParent === null) return;
      const height = heightOf(host, host.layout_asked);
      host.style.height = `${height}px`;
      Plotly.relayout(host, { width: host.clientWidth, height });
    });
    host.observer.observe(parentElement);
  }
  return () => {
    host.observer?.disconnect();
    zooms.delete(host.layout_asked?.meta?.linked);
    Plotly.purge(host);
  };
}
