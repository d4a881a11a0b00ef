// A video's cover: a frame, looked at while the slider moves, or a picture.

export function start(dialog, done) {
  const still = dialog.querySelector("[data-still]"), slider = dialog.querySelector("[data-still-at]"), time = dialog.querySelector("[data-still-time]");
  let timer = 0;
  const told = () => {
    const seconds = Number(slider.value) / 1000;
    time.value = `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
    slider.setAttribute("aria-valuetext", time.value);
  };
  slider.oninput = () => {
    told();
    clearTimeout(timer);
    timer = setTimeout(() => { still.src = `${still.dataset.still}?at=${slider.value}`; }, 120);
  };
  dialog.querySelector("[data-cover-file]").onchange = (event) => { if (event.target.files.length) done({ file: event.target.files[0] }); };
  dialog.onclick = (event) => {
    const picture = event.target.closest("[data-cover-picture]")?.dataset.coverPicture, how = event.target.closest("[data-cover]")?.dataset.cover;
    if (picture) done({ picture });
    else if (how) done(how === "frame" ? { at: slider.value } : {});
  };
  told();
}
