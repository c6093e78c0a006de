// What is found should be like some pictures and unlike others: "More like this", "Less like this".

import { nameOf } from "./cards.js";
import { h, picture } from "./dom.js";

const WORDS = { like: "More like", unlike: "Less like" };

export class Steering {
  /** panel: shows what was chosen, in its list; changed: is called when that is another. */
  constructor(panel, changed) {
    [this.like, this.unlike] = [[], []];
    this.panel = panel;
    this.changed = changed;
  }

  get any() {
    return Boolean(this.like.length || this.unlike.length);
  }

  /** Ask for what is like a picture, or unlike it; once more: neither. */
  toggle(item, way) {
    const had = this[way].some((one) => one.id === item.id);
    for (const name of Object.keys(WORDS)) this[name] = this[name].filter((one) => one.id !== item.id);
    if (!had) this[way].push(item);
    this.tell();
    this.changed();
  }

  clear() {
    [this.like, this.unlike] = [[], []];
    this.tell();
  }

  tell() {
    this.panel.hidden = !this.any;
    const chips = Object.keys(WORDS).flatMap((way) => this[way].map((item) => this.chip(item, way)));
    this.panel.querySelector("ul").replaceChildren(...chips);
  }

  chip(item, way) {
    const words = WORDS[way];
    return h("li", {}, h("button", {
      type: "button", class: `steered ${way}`, "aria-label": `${words} ${nameOf({ ...item, rank: null })}; take it out`,
      title: "Take it out", onclick: () => this.toggle(item, way),
    }, h("img", { src: picture(item.kind, item.id, "thumb"), alt: "" }), words));
  }

  /** The two buttons on the card of what was found. */
  buttons(item) {
    return h("div", { class: "steer" }, ...Object.entries(WORDS).map(([way, words]) => h("button", {
      type: "button", class: "button quiet", "aria-label": `${words} this: ${nameOf(item)}`, onclick: () => this.toggle(item, way),
    }, words)));
  }
}
