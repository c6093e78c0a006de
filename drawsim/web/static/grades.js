// The five grades, each with its key, and the buttons that give them.

import { $$, h } from "./dom.js";

export const GRADES = [
  { grade: "same work", key: "w", label: "Same work", means: "the drawing was made after this very artwork" },
  { grade: "same motif", key: "m", label: "Same motif", means: "the same subject, after another picture of it" },
  { grade: "style only", key: "y", label: "Style only", means: "the manner is alike, the subject is not" },
  { grade: "different", key: "d", label: "Different", means: "looked at closely, nothing shared" },
  { grade: "unsure", key: "q", label: "Unsure", means: "in question: somebody else should look" },
];

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
