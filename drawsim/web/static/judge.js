// The page Judge: one query, its candidates, and what is decided about them.

import { Candidates } from "./candidates.js";
import { nameOf } from "./cards.js";
import { Compare } from "./compare.js";
import { api, persistently } from "./connection.js";
import { $, $$, openDialog, picture, sentence } from "./dom.js";
import { GradeButtons, GRADES, MATCH } from "./grades.js";
import { Keys } from "./keys.js";
import { Labels } from "./labels.js";
import { NoteDialog } from "./note.js";
import { Outbox } from "./outbox.js";
import { showProgress, showQuery } from "./query.js";
import { QueueForm } from "./queue.js";
import { keepLease, Stopwatch } from "./lease.js";
import { Status } from "./status.js";
import { Viewer } from "./viewer.js";

const PAGE = 20; // candidates fetched at a time
const PAN = 60; // pixels for each press of Shift and an arrow

let task = null; // as the server tells it; judgements, notes and boxes are kept up to date here
let busy = 0; // what brings another query and is not done: keys would hit the wrong one
let last = Promise.resolve(); // the latest of these: they are done one after the other
let undos = 0; // asked for and not yet done

const status = new Status();
const outbox = new Outbox((state) => {
  status.outbox(state);
  // What was not saved must not look as if it were.
  if (state.refused && task && !busy) exclusively(() => open(task.kind, task.id));
}, (progress) => showProgress(progress));
const watch = new Stopwatch();
const viewer = new Viewer($("#query-viewer"));
const queue = new QueueForm(() => exclusively(async () => {
  if (task) await api("/api/release", { kind: task.kind, id: task.id }).catch(() => {});
  await next();
}));
const candidates = new Candidates($("#candidates"), {
  toggled: (candidate) => grade(candidate, MATCH.grade),
  focused: () => describe(),
  more: async (start) => {
    const { kind, id, judgements } = task;
    const query = new URLSearchParams({ kind, id, start, count: PAGE });
    const found = await api(`/api/candidates?${query}`).catch((failure) => status.say(sentence(failure.message), "wait"));
    return found && { candidates: found.candidates, grades: judgements };
  },
});
// A closed dialog gives the focus back to where it was opened; whoever leafed on is elsewhere.
function returned() {
  candidates.held = false;
  candidates.focus(candidates.find(compare.candidate.id));
}

const compare = new Compare({ graded: grade, boxed: box, closed: returned });
const buttons = new GradeButtons($("#grades"), (given) => {
  grade(candidates.current, given);
  candidates.refocus();
});
const notes = new NoteDialog();
const labels = new Labels($("#label"), (said) => {
  outbox.add({ kind: task.kind, drawing_id: task.id, ...said });
  if (said.action === "name") task.name = said.label;
  redraw();
});

// Queries: getting one, showing it, leaving it

/** Ask until the server answers; what is waiting is told meanwhile. */
const ask = (path, body) => persistently(path, body, (failure) => status.outbox({ waiting: outbox.waiting, failure }));

/** Do what brings another query. Keys and buttons count again once its picture can be seen: what is
 *  decided is about the drawing that people see, and about no other. */
async function exclusively(act) {
  const page = $("#judge");
  busy += 1;
  page.setAttribute("aria-busy", "true");
  last = last.then(act).then(() => task && viewer.seen()).catch((fault) => reportError(fault));
  await last;
  busy -= 1;
  if (!busy) page.removeAttribute("aria-busy");
}

/** Say that a key or a button did nothing, so that nobody believes it did. */
function tooEarly() {
  status.refuse("Not taken: the next picture was still on its way. Press again", outbox.waiting);
}

async function next() {
  try {
    show((await ask("/api/next", queue.wish)).task);
    queue.fault("");
  } catch (failure) {
    // The filter cannot be read: what was there stays.
    if (task) await open(task.kind, task.id);
    else show(null, "This queue cannot be opened");
    queue.fault(sentence(failure.message));
  }
}

async function open(kind, id) {
  try {
    show(await ask(`/api/task?${new URLSearchParams({ kind, id })}`));
  } catch (failure) {
    show(null, "This cannot be judged");
    status.say(sentence(failure.message), "bad");
  }
}

function show(told, reason = "Nothing is left in this queue") {
  task = told;
  $("#judge").classList.toggle("nothing", !task);
  $("#empty").hidden = Boolean(task);
  $("#empty h1").textContent = reason;
  if (!task) return;
  viewer.show(picture(task.kind, task.id, "full"), task.item.title);
  candidates.show(task.candidates, task.total, task.judgements);
  redraw();
  watch.start();
}

/** Show again what depends on the decisions about this query. */
function redraw() {
  showQuery(task, (id) => candidates.find(id) >= 0, (candidate) => look(candidate));
  describe();
}

function describe() {
  const { current } = candidates;
  buttons.show(current && task.judgements[current.id], current ? nameOf(current) : null);
}

async function leave(action) {
  const same = Object.values(task.judgements).includes(MATCH.grade);
  if (action === "none" && same) {
    status.refuse(`Something is graded ${MATCH.grade}: take the grade away first, or save and go on`, outbox.waiting);
    return;
  }
  const seen = action === "skip" ? {} : { shown_ids: candidates.seenIds.slice(0, 2000) };
  try {
    await outbox.add({ ...about(), action, ...seen, seconds: watch.seconds });
  } catch {
    return; // the status line says why it was refused
  }
  await next();
}

async function undo() {
  const undone = await outbox.undo().catch(() => null);
  if (!undone) {
    status.say("There is nothing to undo");
    return;
  }
  if (undone.group_id) return location.assign(`/group?${new URLSearchParams({ id: undone.group_id })}`);
  const other = undone.kind === "drawing" ? undone.artwork_id : undone.drawing_id;
  await open(undone.kind, undone.kind === "drawing" ? undone.drawing_id : undone.artwork_id);
  if (other) candidates.focus(candidates.find(other));
  status.say(`Undone: ${undone.grade ?? undone.action}`);
}

/** Several undos may be asked for in quick succession: they are done one after the other. */
async function undoAll() {
  for (undos = 1; undos; undos -= 1) await undo();
}

// Decisions

/** What every event says: the query, and with a candidate also that. */
function about(candidate = null) {
  const own = { kind: task.kind, [`${task.kind}_id`]: task.id, audit: task.audit, shown: candidates.seen };
  if (!candidate) return own;
  const { rank = null, score = null } = candidate;
  return { ...own, [`${candidate.kind}_id`]: candidate.id, rank, score };
}

/** Give a candidate a grade, or take away the one it has. */
function grade(candidate, given) {
  if (busy) tooEarly();
  if (!candidate || busy) return;
  const { judgements } = task;
  if (judgements[candidate.id] === given) {
    delete judgements[candidate.id];
    outbox.add({ ...about(candidate), action: "clear" });
  } else {
    judgements[candidate.id] = given;
    outbox.add({ ...about(candidate), action: "grade", grade: given });
  }
  candidates.grade(candidate.id, judgements[candidate.id]);
  if (compare.dialog.open) look(candidate);
  redraw();
}

function box(candidate, boxes) {
  task.boxes[candidate.id] = boxes;
  outbox.add({ ...about(candidate), action: "box", ...boxes });
}

function note() {
  const { current } = candidates;
  const pair = current ? task.notes[current.id] ?? "" : null;
  const aim = current && (pair || task.judgements[current.id]) ? "pair" : "query";
  notes.open(task.kind, { pair, query: task.note }, aim, (chosen, text) => {
    outbox.add({ ...about(chosen === "pair" ? current : null), action: "note", note: text });
    if (chosen === "pair") task.notes[current.id] = text;
    else task.note = text;
    redraw();
    candidates.refocus();
  });
}

/** Name and tag the drawing. */
function describeQuery() {
  if (task.kind !== "drawing") return;
  labels.show(task);
  openDialog($("#label"));
  labels.typeTag();
}

function look(candidate = candidates.current) {
  if (!candidate) return;
  candidates.held = true;
  compare.show(task.item, candidate, task.judgements[candidate.id], task.boxes[candidate.id]);
}

function leaf(name) {
  candidates.move(name);
  look();
}

// Keys and buttons

const whenReady = (act) => (...values) => {
  if (busy) tooEarly();
  else if (task) act(...values);
};
const actions = {
  none: whenReady(() => exclusively(() => leave("none"))),
  skip: whenReady(() => exclusively(() => leave("skip"))),
  done: whenReady(() => exclusively(() => leave("done"))),
  undo: () => {
    if (undos) undos += 1;
    else if (busy) tooEarly();
    else exclusively(undoAll);
  },
  compare: whenReady(() => look()),
  box: whenReady(() => {
    look();
    if (!compare.drawing) compare.draw();
  }),
  note: whenReady(note),
  label: whenReady(describeQuery),
};
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
const move = (name, event) => {
  if (!event.shiftKey) return candidates.move(name);
  const [x, y] = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] }[name];
  return viewer.pan(x, y);
};
const closer = compare.dialog;
const keys = new Keys([
  { keys: [..."123456789"], shown: ["1 – 9"], label: `${MATCH.label}, for the candidate with that number`, run: whenReady((name) => grade(candidates.numbered(Number(name)), MATCH.grade)) },
  { keys: ARROWS, shown: ["←", "→", "↑", "↓"], label: "Move among the candidates; with Shift, move the enlarged picture", run: whenReady(move), repeat: true },
  ...GRADES.map(({ grade: given, key, label, means }) => ({ keys: [key], label: `${label}: ${means}`, run: whenReady(() => grade(candidates.current, given)) })),
  { keys: ["Enter"], shown: ["⏎"], label: "Save and go on", run: actions.done },
  { keys: ["n"], label: "None of these", run: actions.none },
  { keys: ["s"], label: "Skip: leave it to others", run: actions.skip },
  { keys: ["u"], label: "Undo, back to the picture it concerned", run: actions.undo },
  { keys: ["z"], label: "Zoom", run: () => viewer.toggle() },
  { keys: ["c", "Space"], shown: ["c", "Space"], label: "Compare side by side; again: what matches", run: actions.compare },
  { keys: ["b"], label: "Draw a box on both pictures", run: actions.box },
  { keys: ["t"], label: "Write a note", run: actions.note },
  { keys: ["g"], label: "Tag or name the drawing", run: actions.label },
  { keys: ["f"], label: "Find: look for the match beyond the list", run: whenReady(() => $("#query-find").click()) },
  { keys: ["?"], label: "Show these keys", run: () => keys.help() },
  { keys: ["Esc"], label: "Close, or stop drawing" },
  // The same while two pictures are compared
  { keys: ["c", "Space"], run: () => compare.overlay(), dialog: closer },
  { keys: ["z"], run: () => compare.zoom(), dialog: closer },
  { keys: ["b"], run: () => compare.draw(), dialog: closer },
  { keys: ["Enter"], run: () => compare.drawing && compare.beginBox(), dialog: closer },
  { keys: ["ArrowLeft", "ArrowRight"], run: leaf, repeat: true, dialog: closer },
  ...GRADES.map(({ grade: given, key }) => ({ keys: [key], run: () => grade(compare.candidate, given), dialog: closer })),
]);
for (const button of $$("[data-action]")) {
  button.addEventListener("click", (event) => {
    actions[button.dataset.action]();
    // After the mouse the keyboard goes on where it was; after a key it stays on the button.
    if (event.detail && task && !document.querySelector("dialog[open]")) candidates.refocus();
  });
}
$("#zoom").addEventListener("click", () => viewer.toggle());
$("#keys").addEventListener("click", () => keys.help());
$("#empty-queue").addEventListener("click", () => queue.open());
$("#compare-before").addEventListener("click", () => leaf("ArrowLeft"));
$("#compare-after").addEventListener("click", () => leaf("ArrowRight"));

keepLease(() => task, (message) => status.say(message, "wait"));
const wanted = $("#judge").dataset.id;
exclusively(() => (wanted ? open(queue.wish.kind, wanted) : next()));
