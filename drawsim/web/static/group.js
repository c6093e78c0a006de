// The page of a group: which drawings belong to it, its name and tags, and the artwork behind it.

import { makeCard, nameOf } from "./cards.js";
import { api, newKey } from "./connection.js";
import { $, $$, h, picture, plural, sentence } from "./dom.js";
import { GradeButtons, GRADES } from "./grades.js";
import { Keys } from "./keys.js";
import { Labels } from "./labels.js";
import { Outbox } from "./outbox.js";
import { Status } from "./status.js";

const MOST = 60; // artworks that a search by words gives

const group = JSON.parse($("#group").dataset.group);
const removed = new Set(group.removed);
const status = new Status();
const outbox = new Outbox((state) => {
  status.outbox(state);
  if (state.refused) location.reload(); // what was not saved must not look as if it were
});
const about = (drawing = group.medoid) => ({ kind: "drawing", drawing_id: drawing, group_id: group.key });
const labels = new Labels($("#group"), (said) => {
  outbox.add({ ...about(), ...said });
  if (said.action === "name") $("#group-title").textContent = said.label || `Group ${group.number}`;
});
const buttons = new GradeButtons($("#grades"), (given) => grade(given));
let chosen = null; // the artwork that grades are of
let searches = 0;
let leaving = false;

// Its drawings

function tellSize() {
  $("#group-size").textContent = plural(group.members.length - removed.size, "drawing", "drawings")
    + (removed.size ? `, ${removed.size} taken out` : "");
}

function memberOf(item) {
  const card = makeCard(item, () => toggle(item.id));
  card.append(h("a", {
    class: "button match", href: `/judge?${new URLSearchParams({ kind: "drawing", id: item.id })}`,
    "aria-label": `Judge this drawing: ${nameOf(item)}`,
  }, "Judge this drawing"));
  return card;
}

function drawMember(card) {
  const out = removed.has(card.item.id);
  card.classList.toggle("out", out);
  card.button.setAttribute("aria-pressed", String(out));
  card.button.title = out ? "Does not belong; press to put it back" : "Press if it does not belong";
}

function toggle(id) {
  const action = removed.delete(id) ? "restore" : "remove";
  if (action === "remove") removed.add(id);
  outbox.add({ ...about(id), action });
  drawMember(members.find((card) => card.item.id === id));
  tellSize();
}

const members = group.members.map(memberOf);
$("#members").replaceChildren(...members);
members.forEach(drawMember);

// The artwork behind it

function show(artworks) {
  const cards = artworks.map((item) => {
    const card = makeCard(item, () => choose(item));
    card.grade(group.grades[item.id] ?? null);
    card.button.addEventListener("focus", () => choose(item));
    return card;
  });
  $("#artworks").replaceChildren(...cards);
}

function choose(item) {
  chosen = item;
  for (const card of $$("#artworks .card")) card.classList.toggle("current", card.item.id === item.id);
  buttons.show(group.grades[item.id] ?? null, `all drawings with ${nameOf(item)}`);
}

/** Say of all drawings of the group how they and the chosen artwork belong together. */
function grade(given) {
  if (!chosen) {
    status.refuse("Choose an artwork first", outbox.waiting);
    return;
  }
  const { id } = chosen;
  const now = group.grades[id] === given ? null : given;
  outbox.post("/api/groups/grade", { key: newKey(), group: group.key, artwork_id: id, grade: now })
    .then(({ saved }) => status.say(`Saved for ${plural(saved, "drawing", "drawings")}`), () => {});
  if (now) group.grades[id] = now;
  else delete group.grades[id];
  $$("#artworks .card").find((card) => card.item.id === id)?.grade(now);
  group.links = [{ ...chosen, grade: now, count: group.members.length - removed.size },
    ...group.links.filter((link) => link.id !== id)].filter((link) => link.grade);
  choose(chosen);
  showLinks();
}

function showLinks() {
  $("#links").replaceChildren(...group.links.map((link) => h("li", {},
    h("img", { src: picture("artwork", link.id, "thumb"), alt: "" }),
    h("span", {}, h("span", { class: "badge", data: { grade: link.grade } }, link.grade), " ", nameOf({ ...link, rank: null })),
    h("span", { class: "soft" }, `with ${plural(link.count, "drawing", "drawings")}`))));
}

async function look(text) {
  const number = ++searches;
  let found = group.near;
  let told = "The nearest to all drawings of the group";
  try {
    if (text) {
      found = await api("/api/find/text", { kind: "artwork", text });
      told = `${found.length === MOST ? "The first " : ""}${plural(found.length, "artwork", "artworks")} with “${text}”`;
    }
  } catch (failure) {
    [found, told] = [[], sentence(failure.message)];
  }
  if (number !== searches) return;
  $("#count").textContent = told;
  show(found);
}

// Leaving it, and going back

async function leave(action) {
  if (leaving) return;
  leaving = true;
  try {
    await outbox.add({ ...about(), action });
    location.assign("/group");
  } catch {
    leaving = false; // the status line says why
  }
}

async function undo() {
  const undone = await outbox.undo().catch(() => null);
  if (!undone) {
    status.say("There is nothing to undo");
    return;
  }
  const where = undone.group_id ? ["/group", { id: undone.group_id }]
    : ["/judge", { kind: undone.kind, id: undone.kind === "drawing" ? undone.drawing_id : undone.artwork_id }];
  location.assign(`${where[0]}?${new URLSearchParams(where[1])}`);
}

// Keys and buttons

/** Move the focus among the pictures of the grid that has it; else to the first drawing. */
function move(name) {
  const list = document.activeElement?.closest?.(".cards") ?? $("#members");
  const cards = [...list.children];
  const at = cards.indexOf(document.activeElement?.closest?.(".card"));
  const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[name];
  const next = at < 0 ? 0 : at + step;
  const other = list.id === "members" ? $("#artworks") : $("#members");
  const card = cards[next] ?? (next < 0 ? other.lastElementChild : other.firstElementChild);
  card?.button.focus();
  card?.scrollIntoView({ block: "nearest" });
}

function toggleFocused() {
  const card = document.activeElement?.closest?.("#members .card");
  if (card) toggle(card.item.id);
}

const actions = { done: () => leave("done"), skip: () => leave("skip"), undo };
const keys = new Keys([
  { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: ["←", "→", "↑", "↓"], label: "Move among the pictures", run: move, repeat: true },
  { keys: ["x"], label: "Does not belong, or does after all", run: toggleFocused },
  ...GRADES.map(({ grade: given, key, label, means }) => ({ keys: [key], label: `${label}, of all drawings with the chosen artwork: ${means}`, run: () => grade(given) })),
  { keys: ["g"], label: "Tag the group", run: () => labels.typeTag() },
  { keys: ["e"], label: "Name the group", run: () => labels.typeName() },
  { keys: ["/"], label: "Look for artworks by words", run: () => $("#words").elements.text.focus() },
  { keys: ["Enter"], shown: ["⏎"], label: "Done with this group, on to the next", run: actions.done },
  { keys: ["s"], label: "Skip: leave it to others", run: actions.skip },
  { keys: ["u"], label: "Undo", run: undo },
  { keys: ["?"], label: "Show these keys", run: () => keys.help() },
]);
for (const button of $$("[data-action]")) button.addEventListener("click", () => actions[button.dataset.action]());
$("#keys").addEventListener("click", () => keys.help());
$("#words").addEventListener("submit", (event) => {
  event.preventDefault();
  look($("#words").elements.text.value.trim());
});
for (const input of $$("input")) {
  input.addEventListener("keydown", ({ key }) => key === "Escape" && input.blur());
}

labels.show({ name: group.name, tags: group.tags });
labels.offer(group.fitting, $("#fitting"));
tellSize();
show(group.near);
showLinks();
buttons.show(null, null);
