// A picture to look at closely: wheel, pinch, double click and z zoom, dragging moves it.

import { h } from "./dom.js";

const CLOSE = 2.5; // times the fitted size, after z
const CLOSEST = 10;
const MARGIN = 12; // pixels around the whole picture
const LONGEST_BLANK = 10; // seconds for which a picture is waited for

export class Viewer {
  #scale = 1; // of the fitted size
  #x = 0; // of the picture's upper left corner in the frame
  #y = 0;
  #pointers = new Map();
  #settled = Promise.resolve(); // once the picture is there, or known not to come

  /** `frame`: the element that is filled. `drawing` says whether a drag is somebody else's. */
  constructor(frame) {
    this.frame = frame;
    this.drawing = () => false;
    this.image = h("img", { alt: "", draggable: "false" });
    this.stage = h("div", { class: "stage" }, this.image);
    frame.replaceChildren(this.stage);
    this.image.addEventListener("load", () => this.fit());
    this.image.addEventListener("error", () => frame.classList.add("broken"));
    new ResizeObserver(() => this.#place()).observe(frame);
    frame.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    frame.addEventListener("dblclick", (event) => this.drawing() || this.toggle(event));
    frame.addEventListener("pointerdown", (event) => this.#down(event));
    frame.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      frame.addEventListener(end, (event) => this.#pointers.delete(event.pointerId));
    }
  }

  show(source, alt) {
    this.frame.classList.remove("broken");
    this.stage.hidden = true; // until its shape is known
    this.image.alt = alt;
    this.#settled = new Promise((resolve) => {
      for (const end of ["load", "error"]) this.image.addEventListener(end, resolve, { once: true });
    });
    this.image.src = source;
  }

  /** Until the picture is there, or known not to come; one that hangs is not waited for for ever. */
  seen() {
    const late = new Promise((resolve) => setTimeout(resolve, 1000 * LONGEST_BLANK));
    return Promise.race([this.#settled, late]);
  }

  fit() {
    this.stage.hidden = false;
    this.#scale = 1;
    this.#place();
  }

  get zoomed() {
    return this.#scale > 1.01;
  }

  /** Between the whole picture and a close look, at the pointer if there is one. */
  toggle(event = null) {
    if (this.zoomed) this.fit();
    else this.zoom(CLOSE, event);
  }

  zoom(factor, event = null) {
    const box = this.frame.getBoundingClientRect();
    const at = event
      ? [event.clientX - box.left, event.clientY - box.top]
      : [box.width / 2, box.height / 2];
    const scale = Math.min(CLOSEST, Math.max(1, this.#scale * factor));
    // The point under the pointer stays where it is.
    this.#x = at[0] - ((at[0] - this.#x) * scale) / this.#scale;
    this.#y = at[1] - ((at[1] - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#place();
  }

  /** Move the picture, by pixels of the screen. */
  pan(x, y) {
    this.#x += x;
    this.#y += y;
    this.#place();
  }

  #place() {
    const { naturalWidth, naturalHeight } = this.image;
    const { clientWidth, clientHeight } = this.frame;
    if (!naturalWidth || clientWidth < 3 * MARGIN || clientHeight < 3 * MARGIN) return;
    const fitted = Math.min((clientWidth - 2 * MARGIN) / naturalWidth, (clientHeight - 2 * MARGIN) / naturalHeight);
    const width = naturalWidth * fitted * this.#scale;
    const height = naturalHeight * fitted * this.#scale;
    this.#x = within(this.#x, width, clientWidth);
    this.#y = within(this.#y, height, clientHeight);
    Object.assign(this.stage.style, {
      width: `${width}px`, height: `${height}px`, transform: `translate(${this.#x}px, ${this.#y}px)`,
    });
    this.frame.classList.toggle("zoomed", this.zoomed);
  }

  #wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event);
  }

  #down(event) {
    if (event.button !== 0 || (this.drawing() && !this.#pointers.size && event.pointerType !== "touch")) return;
    this.#pointers.set(event.pointerId, event);
    if (!this.drawing()) this.frame.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.#pointers.values()].find((one) => one.pointerId !== event.pointerId);
    if (other) {
      const spread = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      this.zoom(spread(event) / Math.max(1, spread(before)), middle(event, other));
    } else if (!this.drawing()) {
      this.pan(event.clientX - before.clientX, event.clientY - before.clientY);
    }
    this.#pointers.set(event.pointerId, event);
  }

  get fingers() {
    return this.#pointers.size;
  }
}

/** A picture that is smaller than its frame stands in the middle; a larger one leaves no gap. */
function within(place, size, frame) {
  return size <= frame ? (frame - size) / 2 : Math.min(0, Math.max(frame - size, place));
}

function middle(one, other) {
  return { clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 };
}
