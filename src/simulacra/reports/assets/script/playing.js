// ---- playing: a page says where it is and what comes next, and shows one place after another ----

let timer = 0;

const play = () => {
  if (course.now() >= course.last) show(course.first);
  state.playing = true;
  element("play").classList.add("playing");
  element("play").setAttribute("aria-label", "Pause");
  const step = () => {
    if (course.now() >= course.last) return pause();
    show(course.now() + 1);
    timer = setTimeout(step, course.milliseconds());
  };
  timer = setTimeout(step, course.milliseconds());
};

const pause = () => {
  clearTimeout(timer);
  if (!state.playing) return;
  state.playing = false;
  element("play").classList.remove("playing");
  element("play").setAttribute("aria-label", "Play");
  remember();
};

const seek = (to) => {
  pause();
  show(to);
};
