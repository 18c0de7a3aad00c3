// Words in a picture never lie over one another, nor over its edge: one moves by a line, or is hidden
// until there is room, such as after zooming in. Those drawn last come first, shapes (marks) last.
function apart(host) {
  if (!host.layout?.images?.length) return;
  const drawn = [...host.querySelectorAll(".scatterlayer .textpoint text")].reverse();
  const taken = [];
  const axes = host.querySelector(".nsewdrag").getBoundingClientRect();
  for (const word of [...drawn, ...host.querySelectorAll(".shapelayer text")]) {
    word.style.translate = word.style.visibility = "";
    const box = word.getBoundingClientRect();
    if (!box.width) continue;
    const inside = (low, high, from, to) => Math.max(from - low, 0) + Math.min(to - high, 0);
    const dx = inside(box.left, box.right, axes.left, axes.right);
    const up = inside(box.top, box.bottom, axes.top, axes.bottom);
    // What begins beyond the edge belongs to what is not shown.
    const seen = Math.abs(dx) < box.width && Math.abs(up) < box.height;
    const moved = (dy) =>
      ({ left: box.left + dx, right: box.right + dx, top: box.top + dy, bottom: box.bottom + dy });
    const free = (dy) => {
      const { left, right, top, bottom } = moved(dy);
      return top >= axes.top - 1 && bottom <= axes.bottom + 1 && !taken.some((other) =>
        left < other.right && other.left < right && top < other.bottom && other.top < bottom);
    };
    const away = seen ? [0, 1, -1].map((lines) => up + lines * box.height).find(free) : undefined;
    if (away === undefined) word.style.visibility = "hidden";
    else {
      if (away || dx) word.style.translate = `${dx}px ${away}px`;
      taken.push(moved(away));
    }
  }
}
