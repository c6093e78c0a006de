// The name and the tags of a drawing or a group: shown, typed with suggestions, taken away again.

import { api } from "./connection.js";
import { $, h } from "./dom.js";

const PARTS = /[,;|]/; // what stands between tags
const LONGEST = 100; // characters of a tag
const PAUSE = 150; // milliseconds without a key after which tags are suggested

const tidy = (text) => text.normalize("NFC").trim().replace(/\s+/g, " ");
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** A tag as a small label; `remove()`, if given, is called on a press of its cross. */
export function tagOf(tag, remove = null) {
  const cross = remove && h("button", { type: "button", "aria-label": `Take the tag ${tag} away`, onclick: remove }, "×");
  return h("li", { class: "tag" }, h("span", {}, tag), cross);
}

export class Labels {
  #said = { name: "", tags: [] };
  #known = []; // the tags that were suggested last
  #timer = 0;
  #asked = 0; // so that a late answer is not shown for other letters

  /** `root`: what holds the form of labels.html.j2. `changed(draft)` gets {action, label}. */
  constructor(root, changed) {
    this.form = $(".labels", root);
    this.changed = changed;
    const { name, tag } = this.form.elements;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add(tag.value);
    });
    name.addEventListener("change", () => this.#rename(tidy(name.value)));
    name.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        name.blur();
      }
    });
    tag.addEventListener("input", () => this.#typed());
    tag.addEventListener("focus", () => this.#suggest());
  }

  /** Show what is said now: {name, tags}, which are kept up to date here. */
  show(said) {
    this.#said = said;
    this.form.elements.name.value = said.name;
    this.form.elements.tag.value = "";
    this.#fault("");
    this.#draw();
  }

  /** Offer tags on a press, in `list`; those that are there already are left out. */
  offer(tags, list) {
    const left = tags.filter((tag) => !this.#said.tags.includes(tag));
    list.hidden = !left.length;
    $("ul", list).replaceChildren(...left.map((tag) => h("li", {}, h("button", {
      type: "button", class: "button quiet", onclick: () => {
        this.#add(tag);
        this.offer(tags, list);
      },
    }, tag))));
  }

  typeTag() {
    this.form.elements.tag.focus();
  }

  typeName() {
    this.form.elements.name.select();
    this.form.elements.name.focus();
  }

  #draw() {
    $(".tags", this.form).replaceChildren(...this.#said.tags.map((tag) => tagOf(tag, () => this.#take(tag))));
  }

  #add(text) {
    for (const typed of text.split(PARTS).map(tidy).filter(Boolean)) {
      if (typed.length > LONGEST) {
        this.#fault(`A tag has at most ${LONGEST} characters, this one has ${typed.length}.`);
        return;
      }
      // One spelling for one tag: that which is there already.
      const tag = [...this.#said.tags, ...this.#known].find((one) => folded(one) === folded(typed)) ?? typed;
      if (!this.#said.tags.includes(tag)) {
        this.#said.tags.push(tag);
        this.changed({ action: "tag", label: tag });
      }
    }
    this.#fault("");
    this.form.elements.tag.value = "";
    this.#draw();
  }

  #take(tag) {
    this.#said.tags.splice(this.#said.tags.indexOf(tag), 1);
    this.changed({ action: "untag", label: tag });
    this.#draw();
    this.typeTag();
  }

  #rename(name) {
    if (name === this.#said.name) return;
    this.#said.name = name;
    this.form.elements.name.value = name;
    this.changed({ action: "name", label: name });
  }

  #typed() {
    this.#fault("");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#suggest(), PAUSE);
  }

  async #suggest() {
    const number = ++this.#asked;
    const text = this.form.elements.tag.value.split(PARTS).pop().slice(0, LONGEST);
    const found = await api(`/api/tags?${new URLSearchParams({ text })}`).catch(() => []); // typing goes on
    if (number !== this.#asked) return;
    this.#known = found;
    $("datalist", this.form).replaceChildren(...found.map((tag) => h("option", { value: tag })));
  }

  #fault(text) {
    const line = $("[role=alert]", this.form);
    line.hidden = !text;
    line.textContent = text;
    this.form.elements.tag.setAttribute("aria-invalid", String(Boolean(text)));
  }
}
