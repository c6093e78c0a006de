// The keyboard: one table says which key does what, and also fills the dialog that shows it.

import { $, h, openDialog } from "./dom.js";

/** The name of a pressed key: "a" … "z", "1" … "9", "?", or the browser's name, such as "Enter". */
function nameOf(event) {
  // Digits by their place, since on French keyboards they need Shift; letters by what is printed
  // on the key, and by their place where that is not Latin.
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  if (digit && !/^[a-z?]$/i.test(event.key)) return digit[1];
  if (event.key === " ") return "Space";
  if (event.key.length > 1) return event.key;
  if (event.key > "~" && event.code.startsWith("Key")) return event.code.slice(3).toLowerCase();
  return event.key.toLowerCase();
}

const TYPED_IN = "input, select, textarea";
const PRESSED = "button:not(.card-picture), a, summary, [role=button]";

export class Keys {
  /** `table`: [{keys: ["z"], label: "Zoom", run(name, event), dialog?, repeat?}]. An entry
   *  holds while its dialog is open, or, without one, while none is. Entries without `run` are
   *  only told in the help. */
  constructor(table) {
    this.table = table;
    addEventListener("keydown", (event) => this.#pressed(event));
    // Some browsers press a button when Space is let go.
    addEventListener("keyup", (event) => {
      if (event.key === " " && event.target.matches?.(".card-picture")) event.preventDefault();
    });
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest(TYPED_IN)) return;
    const name = nameOf(event);
    // Enter and Space belong to the button or link that has the focus.
    if ((name === "Enter" || name === "Space") && event.target.closest(PRESSED)) return;
    const open = $("dialog[open]");
    const entry = this.table.find((one) => one.run && one.keys.includes(name) && (one.dialog ?? null) === open);
    if (!entry) return;
    event.preventDefault();
    if (!event.repeat || entry.repeat) entry.run(name, event);
  }

  /** Show all keys in the dialog #help. */
  help() {
    const dialog = $("#help");
    $("tbody", dialog).replaceChildren(...this.table.filter((entry) => entry.label).map((entry) =>
      h("tr", {},
        h("th", { scope: "row" }, ...(entry.shown ?? entry.keys).map((key) => h("kbd", { class: "key" }, key))),
        h("td", {}, entry.label))));
    openDialog(dialog);
  }
}
