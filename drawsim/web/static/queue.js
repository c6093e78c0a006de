// Which queries come: direction, order and filter. The address keeps them, so that a reload does.

import { $, $$ } from "./dom.js";

export class QueueForm {
  /** `changed(wish)`: {kind, order, where} as they are wanted now. */
  constructor(changed) {
    this.menu = $("#queue");
    this.form = $("#queue-form");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.keep();
      changed(this.wish);
    });
    this.form.addEventListener("change", () => {
      for (const line of $$(".columns", this.form)) line.hidden = line.dataset.kind !== this.wish.kind;
    });
    this.menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    addEventListener("pointerdown", (event) => {
      if (this.menu.open && !this.menu.contains(event.target)) this.menu.open = false;
    });
    this.keep();
  }

  get wish() {
    return Object.fromEntries(["kind", "order", "where"].map((name) => [name, this.form.elements[name].value.trim()]));
  }

  /** Write the wish into the address and the summary. */
  keep() {
    const { kind, order, where } = this.wish;
    const words = [...this.form.elements.order.options].find((option) => option.value === order).text;
    $("#queue-summary").textContent = `${kind === "drawing" ? "Drawings" : "Artworks"}, ${words}${where ? `, ${where}` : ""}`;
    const query = new URLSearchParams(where ? { kind, order, where } : { kind, order });
    history.replaceState(null, "", `/judge?${query}`);
  }

  open() {
    this.menu.open = true;
    $("summary", this.menu).focus();
  }

  close() {
    this.menu.open = false;
    $("summary", this.menu).focus();
  }

  /** Show what is wrong with the filter, or that nothing is. */
  fault(message) {
    const line = $("#queue-error");
    line.hidden = !message;
    line.textContent = message;
    this.form.elements.where.setAttribute("aria-invalid", String(Boolean(message)));
    this.menu.open = Boolean(message);
    if (message) this.form.elements.where.focus();
  }
}
