// Query and candidate large: side by side, or as the overlay that shows which parts match.

import { blob } from "./connection.js";
import { BoxTool } from "./boxes.js";
import { $, facts, openDialog, picture, sentence } from "./dom.js";
import { GradeButtons } from "./grades.js";
import { chanceOf, nameOf } from "./cards.js";
import { rightsFacts } from "./rights.js";
import { Viewer } from "./viewer.js";

const SETTLED = 600; // milliseconds after which a box that was moved step by step is where it should be

export class Compare {
  #item = null;
  #candidate = null;
  #overlay = false;
  #unsaved = null; // what saves a box that may still move
  #timer = 0;
  #overlays = 0; // counts requests, so that a late answer is not shown for another candidate

  /** `graded(candidate, grade)`, `boxed(candidate, {drawing_box, artwork_box})`, and `closed()`. */
  constructor({ graded, boxed, closed }) {
    this.dialog = $("#compare");
    this.viewers = { query: new Viewer($("#compare-query")), candidate: new Viewer($("#compare-candidate")) };
    this.overlayViewer = new Viewer($("#compare-overlay"));
    this.tools = {
      query: new BoxTool(this.viewers.query, "query", () => this.#boxed(boxed)),
      candidate: new BoxTool(this.viewers.candidate, "candidate", () => this.#boxed(boxed)),
    };
    this.grades = new GradeButtons($("#compare-grades"), (grade) => graded(this.#candidate, grade));
    $("#compare-sides").addEventListener("click", () => this.overlay(false));
    $("#compare-match").addEventListener("click", () => this.overlay(true));
    $("#compare-zoom").addEventListener("click", () => this.zoom());
    $("#compare-box").addEventListener("click", () => this.draw());
    $("#compare-unbox").addEventListener("click", () => {
      for (const tool of Object.values(this.tools)) tool.box = null;
      this.#boxed(boxed);
    });
    this.dialog.addEventListener("close", () => {
      this.#stop();
      closed();
    });
    addEventListener("pagehide", () => this.#save());
    // Escape ends the drawing of a box first.
    this.dialog.addEventListener("cancel", (event) => {
      if (!this.drawing) return;
      event.preventDefault();
      this.#stop();
    });
  }

  get candidate() {
    return this.#candidate;
  }

  get drawing() {
    return this.tools.query.active;
  }

  /** Open, or go on to another candidate. `grade` and `boxes` as they stand. */
  show(item, candidate, grade, boxes) {
    const again = this.dialog.open && candidate.id === this.#candidate.id;
    [this.#item, this.#candidate] = [item, candidate];
    this.grades.show(grade, nameOf(candidate));
    if (again) return;
    this.#save();
    this.#describe("query", item);
    this.#describe("candidate", candidate);
    this.tools.query.box = boxes?.[`${item.kind}_box`] ?? null;
    this.tools.candidate.box = boxes?.[`${candidate.kind}_box`] ?? null;
    this.#tellBoxes();
    this.overlay(this.dialog.open && this.#overlay);
    openDialog(this.dialog);
  }

  #describe(side, item) {
    const address = picture(item.kind, item.id, "full");
    // The query's picture keeps its zoom while one leafs through candidates.
    if (this.viewers[side].image.getAttribute("src") !== address) this.viewers[side].show(address, item.title);
    $(`#compare-${side}-name`).textContent = [item.rank, item.title, item.artist].filter(Boolean).join(" · ");
    const score = item.score ? { score: item.score.toFixed(3) } : {};
    const chance = chanceOf(item);
    const likely = chance ? { "likely a true match": `${chance.value} ${chance.range}` } : {};
    $(`#compare-${side}-facts`).replaceChildren(...facts({ ...item.details, ...rightsFacts(item), ...score, ...likely }));
  }

  /** Between both pictures and what they share. */
  async overlay(on = !this.#overlay) {
    this.#overlay = on;
    if (on) this.#stop();
    $("#compare-sides").setAttribute("aria-pressed", String(!on));
    $("#compare-match").setAttribute("aria-pressed", String(on));
    $("#compare-both").hidden = on;
    $("#compare-one").hidden = !on;
    if (!on) return;
    const message = $("#compare-message");
    const number = ++this.#overlays;
    this.overlayViewer.stage.hidden = true;
    message.textContent = "Looking for what they share…";
    const [drawing, artwork] = this.#item.kind === "drawing"
      ? [this.#item.id, this.#candidate.id] : [this.#candidate.id, this.#item.id];
    try {
      const address = URL.createObjectURL(await blob(`/overlay?${new URLSearchParams({ drawing, artwork })}`));
      if (number !== this.#overlays) return URL.revokeObjectURL(address);
      message.textContent = "";
      this.overlayViewer.image.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
      this.overlayViewer.show(address, "Drawing and artwork side by side, with the parts that match");
    } catch (failure) {
      if (number === this.#overlays) message.textContent = sentence(failure.message);
    }
    return undefined;
  }

  zoom() {
    for (const viewer of this.#overlay ? [this.overlayViewer] : Object.values(this.viewers)) viewer.toggle();
  }

  /** Begin to draw boxes, or stop. */
  draw() {
    if (this.drawing) return this.#stop();
    this.overlay(false);
    for (const tool of Object.values(this.tools)) tool.active = true;
    $("#compare-both").focus(); // else Enter would press the button again
    return this.#tellBoxes();
  }

  /** A box for the keyboard: on the candidate first, on the query at the next call. */
  beginBox() {
    const { query, candidate } = this.tools;
    (document.activeElement === candidate.mark ? query : candidate).begin();
  }

  #stop() {
    for (const tool of Object.values(this.tools)) tool.active = false;
    this.#save();
    this.#tellBoxes();
  }

  #tellBoxes() {
    $("#compare-box").setAttribute("aria-pressed", String(this.drawing));
    $("#compare-unbox").hidden = !this.tools.query.box && !this.tools.candidate.box;
    $("#compare-hint").hidden = !this.drawing;
  }

  #boxed(boxed) {
    this.#tellBoxes();
    const [candidate, boxes] = [this.#candidate, {
      [`${this.#item.kind}_box`]: this.tools.query.box,
      [`${this.#candidate.kind}_box`]: this.tools.candidate.box,
    }];
    clearTimeout(this.#timer);
    this.#unsaved = () => boxed(candidate, boxes);
    this.#timer = setTimeout(() => this.#save(), SETTLED);
  }

  #save() {
    clearTimeout(this.#timer);
    const save = this.#unsaved;
    this.#unsaved = null;
    save?.();
  }
}
