// The dialog to write a note in: about the pair, or about the query as a whole.

import { $, openDialog } from "./dom.js";

export class NoteDialog {
  #saved = () => {};
  #texts = {};

  constructor() {
    this.dialog = $("#note");
    this.form = $("#note-form");
    const { text, about } = this.form.elements;
    this.dialog.addEventListener("close", () => {
      if (this.dialog.returnValue === "save") this.#saved(about.value, text.value.trim());
    });
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.dialog.close("save");
    });
    this.form.addEventListener("change", (event) => {
      if (event.target.name === "about") text.value = this.#texts[about.value];
    });
  }

  /** `texts`: {pair, query}, as they stand; pair null: there is none. `saved(about, text)`. */
  open(kind, texts, about, saved) {
    [this.#texts, this.#saved] = [texts, saved];
    $("#note-kind").textContent = kind;
    const fields = this.form.elements;
    for (const radio of fields.about) {
      radio.disabled = texts[radio.value] === null;
      radio.checked = radio.value === about;
    }
    fields.text.value = texts[about];
    this.dialog.returnValue = "";
    openDialog(this.dialog);
    fields.text.focus();
  }
}
