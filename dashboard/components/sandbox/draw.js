// A black canvas of the picture's own pixels to draw on in white; every stroke is sent as the grey
// values of all pixels, base64.

export default function ({ data, parentElement, setStateValue }) {
  const canvas = parentElement.querySelector("canvas");
  const clear = parentElement.querySelector("button");
  if (canvas.ready) return;
  canvas.ready = true;
  canvas.width = data.width;
  canvas.height = data.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });

  const blank = () => {
    context.fillStyle = "black";
    context.fillRect(0, 0, canvas.width, canvas.height);
  };
  const send = () => {
    const { data: rgba } = context.getImageData(0, 0, canvas.width, canvas.height);
    let grey = "";
    for (let at = 0; at < rgba.length; at += 4) grey += String.fromCharCode(rgba[at]);
    setStateValue("grey", btoa(grey));
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  };

  blank();
  if (data.grey) {
    // What was drawn before the page changed.
    const pixels = context.createImageData(canvas.width, canvas.height);
    const grey = atob(data.grey);
    for (let at = 0; at < grey.length; at += 1) {
      pixels.data.fill(grey.charCodeAt(at), 4 * at, 4 * at + 3);
      pixels.data[4 * at + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
  }
  let last;
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    canvas.onpointermove(event);
  };
  canvas.onpointermove = (event) => {
    if (!last) return;
    const now = place(event);
    context.strokeStyle = "white";
    context.lineCap = "round";
    context.lineWidth = data.pen;
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(now[0] + 0.01, now[1]);
    context.stroke();
    last = now;
  };
  canvas.onpointerup = () => {
    if (last) send();
    last = undefined;
  };
  clear.onclick = () => {
    blank();
    setStateValue("grey", "");
  };
}
