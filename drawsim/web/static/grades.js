// The grades, each with its key, and the buttons that give them.

import { $, $$, h } from "./dom.js";

/** [{grade, key, label, means, match}], as the server defines them. */
export const GRADES = JSON.parse($("meta[name=grades]").content);
/** What a press on a candidate says. */
export const MATCH = GRADES.find(({ match }) => match);

export const labelOf = (grade) => GRADES.find((one) => one.grade === grade)?.label ?? "";

/** Fill a container with a button for each grade; `choose(grade)` is called on a press. */
export class GradeButtons {
  constructor(container, choose) {
    this.container = container;
    container.replaceChildren(...GRADES.map(({ grade, key, label, means }) =>
      h("button", {
        type: "button", class: "button grade", data: { grade }, title: means, "aria-pressed": "false",
        "aria-keyshortcuts": key, onclick: () => choose(grade),
      }, label, " ", h("kbd", { class: "key", "aria-hidden": "true" }, key))));
  }

  /** Show the grade of what is graded, or none; `subject`: its name, null: there is nothing. */
  show(grade, subject) {
    this.container.setAttribute("aria-label", subject ? `Grade of ${subject}` : "Grade");
    for (const button of $$("button", this.container)) {
      button.setAttribute("aria-pressed", String(button.dataset.grade === grade));
      button.disabled = subject === null;
    }
  }
}
