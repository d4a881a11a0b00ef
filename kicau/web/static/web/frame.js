// The frame over a picture: shape by choice, size and place by sliders or by dragging.

export function start(dialog, done) {
  const box = dialog.querySelector(".framed");
  const pane = box.querySelector(".window");
  const own = Number(box.dataset.width) / Number(box.dataset.height);
  const slider = (name) => dialog.querySelector(`[data-frame=${name}]`);

  // As shares of the picture: what lies inside the frame.
  function part() {
    const aspect = Number(dialog.querySelector("[name=shape]:checked").value) || own;
    const size = Number(slider("size").value) / 100;
    const width = size * Math.min(1, aspect / own), height = size * Math.min(1, own / aspect);
    return { width, height, left: (1 - width) * Number(slider("x").value) / 100, top: (1 - height) * Number(slider("y").value) / 100 };
  }

  function draw() {
    const now = part();
    for (const [name, share] of [["left", now.left], ["top", now.top], ["width", now.width], ["height", now.height]]) pane.style.setProperty(name, `${share * 100}%`);
    slider("x").disabled = now.width > 0.999;
    slider("y").disabled = now.height > 0.999;
  }

  let grip = null;
  box.onpointerdown = (event) => { grip = { x: event.clientX, y: event.clientY, at: part() }; box.setPointerCapture(event.pointerId); };
  box.onpointerup = () => { grip = null; };
  box.onpointermove = (event) => {
    if (!grip) return;
    const { at } = grip;
    const moved = (share, by, whole, size) => (size > 0.999 ? 50 : 100 * Math.min(1, Math.max(0, (share + by / whole) / (1 - size))));
    slider("x").value = moved(at.left, event.clientX - grip.x, box.clientWidth, at.width);
    slider("y").value = moved(at.top, event.clientY - grip.y, box.clientHeight, at.height);
    draw();
  };
  dialog.oninput = draw;
  dialog.querySelector("[data-crop]").onclick = () => done(part());
  draw();
}
