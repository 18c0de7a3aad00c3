// What lies over a figure, and its selected cell. The figure takes it when it is drawn, or now if it
// is and stays as it is.
export default function ({ data }) {
  (window.marks_of_plots ??= new Map()).set(data.of, data);
  const host = document.querySelector(`.plot[data-name="${CSS.escape(data.of)}"]`);
  // Where the figure is new as well, that is drawn first, with these.
  if (host?.remark) setTimeout(host.remark);
}
