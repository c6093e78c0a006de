// One picture of a grid, with what is known about it.

import { h, picture } from "./dom.js";
import { labelOf, MATCH } from "./grades.js";
import { rightsOf, warningOf } from "./rights.js";

const STRANGERS = "the share of other pictures here that have no candidate as near, leaving out those known to be theirs";
const LIKELY = "how likely this is a true match, and the range that what is known leaves (95 %)";
const percent = (share) => `${Math.floor(share * 100)} %`;
const rounded = (share) => (share * 100).toFixed(0);

/** How likely a candidate is a true match, in words; null: it is not known, or it is a known pair. */
export function chanceOf({ chance, known }) {
  if (!chance || known) return null;
  return { value: `${rounded(chance.probability)} %`, range: `(${rounded(chance.low)} to ${rounded(chance.high)} %)` };
}

/** What a person calls a picture: "number 3, The Starry Night, Vincent van Gogh". */
export function nameOf(item) {
  return [item.rank ? `number ${item.rank}` : null, item.title, item.artist].filter(Boolean).join(", ");
}

/** An <li> with `item`: a candidate or an item of the server. `press` is called on a press of the
 *  picture. It has a method `grade(grade)` to show one and an element `digit`, for a number. */
export function makeCard(item, press) {
  const image = h("img", {
    alt: "", loading: "lazy", src: picture(item.kind, item.id, "thumb"),
    onerror: () => button.classList.add("broken"),
  });
  const badge = h("span", { class: "badge", hidden: true });
  const digit = h("kbd", { class: "digit", "aria-hidden": "true", hidden: true });
  const button = h("button", { type: "button", class: "card-picture", onclick: press }, image, digit, badge);
  const under = item.artist || Object.values(item.details).join(" · ");
  const chance = chanceOf(item);
  const worth = chance
    ? h("span", { class: "soft", title: `${LIKELY}; ${chance.value} ${chance.range}` }, `${chance.value} likely`)
    : typeof item.above === "number" && !item.known
      ? h("span", { class: "soft", title: STRANGERS }, `above ${percent(item.above)}`) : null;
  const place = item.rank
    ? h("span", { class: "place" }, h("b", {}, String(item.rank)),
      item.score === null ? null : h("span", {}, item.score.toFixed(3)),
      worth,
      item.known ? h("span", { class: "known" }, "✓ known pair") : null)
    : null;
  const rights = rightsOf(item);
  const warning = warningOf(item);
  const root = h("li", { class: "card" }, button, h("div", { class: "card-text" },
    place, h("cite", { title: item.title }, item.title), h("span", { class: "soft", title: under }, under),
    rights ? h("span", { class: "soft", title: warning ? `${rights}: ${warning}` : rights }, rights) : null));
  const above = typeof item.above === "number" ? `, above ${percent(item.above)} of strangers` : "";
  const score = typeof item.score === "number" ? `, score ${item.score.toFixed(3)}${above}` : "";
  const likely = chance ? `, ${chance.value} likely a true match ${chance.range}` : "";
  const name = nameOf(item) + score + likely + (item.known ? ", known pair" : "");
  const grade = (given) => {
    badge.hidden = !given;
    badge.textContent = labelOf(given);
    badge.dataset.grade = root.dataset.grade = given ?? "";
    root.toggleAttribute("data-match", given === MATCH.grade);
    button.setAttribute("aria-label", given ? `${name}, graded ${given}` : name);
  };
  grade(null);
  return Object.assign(root, { item, button, digit, grade });
}
