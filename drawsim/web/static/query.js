// What stands under the query's picture.

import { chanceOf } from "./cards.js";
import { $, $$, breakable, facts, h, picture, plural } from "./dom.js";
import { tagOf } from "./labels.js";
import { rightsFacts } from "./rights.js";

const OTHER = { drawing: "artwork", artwork: "drawing" };

/** Show what is known and was decided about the query of a task. `listed(id)`: whether a candidate
 *  is in the grid; `opened(candidate)` is called for one that is not, such as found by Find. */
export function showQuery(task, listed, opened) {
  $("#query-title").replaceChildren(...breakable(task.item.title));
  document.title = `${task.item.title} · drawsim`;
  const known = task.item.title === task.id ? {} : { id: task.id };
  $("#query-facts").replaceChildren(...facts({ ...(task.item.artist ? { artist: task.item.artist } : {}), ...task.item.details, ...rightsFacts(task.item), ...known }));
  showProgress(task.progress, task.kind);
  showChance(task.candidates[0]);
  $("#audit").hidden = !task.audit;
  for (const link of [$("#query-find"), $("#audit-find")]) {
    link.href = `/find?${new URLSearchParams({ kind: task.kind, for: task.id })}`;
  }
  const before = task.answer ? `You left it before with “${task.answer}”.` : "";
  const note = task.note ? `Note: ${task.note}` : "";
  const fault = task.fault ? `Candidates are not re-ranked: ${task.fault}.` : "";
  const notes = [fault, before, note].filter(Boolean);
  $("#query-note").hidden = !notes.length;
  $("#query-note").textContent = notes.join(" ");

  const said = task.name || task.tags.length || task.group;
  $("#query-labels").hidden = !said;
  $("#query-name").textContent = task.name;
  const own = task.tags.map((tag) => tagOf(tag));
  const { group } = task;
  $("#query-labels .tags").replaceChildren(...own, ...(group?.tags ?? []).filter((tag) => !task.tags.includes(tag)).map((tag) => tagOf(tag)));
  $("#query-group").hidden = !group;
  if (group) {
    const address = `/group?${new URLSearchParams({ id: group.key })}`;
    $("#query-group").replaceChildren(h("a", { href: address }, group.name || `Group ${group.number}`));
  }
  for (const button of $$("[data-action=label]")) button.hidden = task.kind !== "drawing";

  const beyond = Object.entries(task.judgements).filter(([id]) => !listed(id));
  $("#beyond").hidden = !beyond.length;
  $("#beyond ul").replaceChildren(...beyond.map(([id, grade]) => {
    const candidate = { kind: OTHER[task.kind], id, title: id, artist: "", details: {} };
    return h("li", {}, h("button", {
      type: "button", data: { grade }, title: `${id}: ${grade}`, "aria-label": `${id}, graded ${grade}`,
      onclick: () => opened(candidate),
    }, h("img", { src: picture(candidate.kind, id, "thumb"), alt: "" })));
  }));
}

// The caption scrolls: what opens below its edge would not be seen.
$("#chance")?.addEventListener("toggle", ({ target }) => {
  if (target.open) target.scrollIntoView({ block: "nearest" });
});

/** How likely the first candidate is true, where that is known. */
function showChance(first) {
  const chance = first ? chanceOf(first) : null;
  $("#chance").hidden = !chance;
  if (!chance) return;
  $("#chance-value").textContent = chance.value;
  $("#chance-range").textContent = chance.range;
}

let shownKind = "drawing";

/** `progress`: {mine, answered, total} of the queries of a kind. */
export function showProgress(progress, kind = shownKind) {
  shownKind = kind;
  const all = plural(progress.total, kind, `${kind}s`);
  $("#query-progress").textContent =
    `${progress.answered.toLocaleString("en")} of ${all} answered, ${progress.mine.toLocaleString("en")} by you`;
}
