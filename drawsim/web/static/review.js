// The review pages: local times on hover, and settling a disagreement by mouse or keyboard.

import { $, $$ } from "./dom.js";
import { GRADES, GradeButtons } from "./grades.js";
import { Keys } from "./keys.js";
import { Outbox } from "./outbox.js";
import { Status } from "./status.js";

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
for (const time of $$("time[datetime]")) {
  time.title = `${local.format(new Date(time.dateTime))}, your time`;
}

for (const image of $$(".frame img")) {
  image.decode().then(() => showBoxes(image, $(".boxes", image.parentElement)), () => {});
}

// Where there is room, filters are in sight; browsers that the style sheet cannot tell so, are told.
const fold = $(".fold");
if (fold && getComputedStyle($("summary", fold)).display === "none") fold.open = true;

const dispute = $(".dispute");
if (dispute) enableSettling(dispute);

/** Scales the boxes, which are fractions, to the picture, whose size is known once it has come. */
function showBoxes({ naturalWidth, naturalHeight }, boxes) {
  boxes.setAttribute("viewBox", `0 0 ${naturalWidth} ${naturalHeight}`);
  $("g", boxes).setAttribute("transform", `scale(${naturalWidth} ${naturalHeight})`);
  boxes.removeAttribute("hidden");
}

function enableSettling({ dataset }) {
  const container = $(".settle .grades");
  const go = (where) => location.assign($(`[data-go=${where}]`).href);
  const table = [
    { keys: ["ArrowRight"], shown: ["→"], label: "Next pair", run: () => go("next") },
    { keys: ["ArrowLeft"], shown: ["←"], label: "Previous pair", run: () => go("previous") },
  ];
  if (container) {
    const settle = settler(dataset, container);
    const note = $("[name=note]");
    table.unshift(
      ...GRADES.map(({ grade, key, label, means }) => ({ keys: [key], label: `${label}: ${means}`, run: () => settle(grade) })),
      { keys: ["t"], label: "Write why", run: () => note.focus() },
    );
    note.addEventListener("keydown", ({ key }) => key === "Escape" && note.blur());
  }
  const keys = new Keys([...table, { keys: ["?"], label: "Show these keys", run: () => keys.help() }]);
}

/** Fills the container with the grades, and returns what settles the pair with one of them. */
function settler({ drawing, artwork, next }, container) {
  const status = new Status();
  const outbox = new Outbox((state) => status.outbox(state));
  let busy = false;

  async function settle(grade) {
    if (busy) return;
    busy = true;
    for (const button of $$("button", container)) button.disabled = true;
    const note = $("[name=note]").value.trim();
    try {
      await outbox.add({ action: "adjudicate", kind: "drawing", drawing_id: drawing, artwork_id: artwork, grade, note });
      location.assign(next);
    } catch {
      // Refused; the status line says why.
      for (const button of $$("button", container)) button.disabled = false;
      busy = false;
    }
  }

  new GradeButtons(container, settle);
  return settle;
}
