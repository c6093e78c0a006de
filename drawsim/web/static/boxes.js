// Drawing a box on a picture in a viewer: by dragging, or with the keyboard.

import { h } from "./dom.js";

const SMALLEST = 0.015; // of the picture; less is a slip of the hand
const STEP = 0.01;
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class BoxTool {
  #start = null;
  #active = false;
  #box = null;

  /** `name`: of the picture, such as "drawing". `changed(box)`: [x, y, width, height] or null. */
  constructor(viewer, name, changed) {
    this.viewer = viewer;
    this.name = name;
    this.changed = changed;
    viewer.drawing = () => this.#active;
    this.mark = h("div", { class: "box-mark", tabindex: "0", role: "img", hidden: true, onkeydown: (event) => this.#key(event) });
    viewer.stage.append(this.mark);
    viewer.frame.addEventListener("pointerdown", (event) => this.#down(event));
    viewer.frame.addEventListener("pointermove", (event) => this.#move(event));
    viewer.frame.addEventListener("pointerup", (event) => this.#up(event));
    viewer.frame.addEventListener("pointercancel", () => { this.#start = null; });
  }

  get box() {
    return this.#box;
  }

  set box(box) {
    this.#box = box;
    this.mark.hidden = !box;
    if (!box) return;
    const [left, top, width, height] = box.map((share) => `${100 * share}%`);
    Object.assign(this.mark.style, { left, top, width, height });
    this.mark.setAttribute("aria-label",
      `Box on the ${this.name}, ${left} from the left, ${top} from the top, ${width} wide, ${height} high`.replace(/(\d+)\.\d+/g, "$1")
      + (this.#active ? ". Arrows move it, Shift and arrows size it, Delete removes it." : ""));
  }

  get active() {
    return this.#active;
  }

  set active(active) {
    this.#active = active;
    this.viewer.frame.classList.toggle("drawing", active);
    this.box = this.#box;
  }

  /** A box in the middle, for the keyboard to move; the one there is, if any. */
  begin() {
    if (this.viewer.stage.hidden) return; // the picture has not come yet
    if (!this.#box) this.#set([0.25, 0.25, 0.5, 0.5]);
    this.mark.focus();
  }

  #set(box) {
    this.box = box;
    this.changed(box);
  }

  #point(event) {
    const stage = this.viewer.stage.getBoundingClientRect();
    return [
      Math.min(1, Math.max(0, (event.clientX - stage.left) / stage.width)),
      Math.min(1, Math.max(0, (event.clientY - stage.top) / stage.height)),
    ];
  }

  #down(event) {
    if (!this.#active || event.button !== 0) return;
    if (this.viewer.fingers > 1) { // two fingers zoom
      this.#start = null;
      return;
    }
    event.preventDefault();
    this.viewer.frame.setPointerCapture(event.pointerId);
    this.#start = { at: this.#point(event), before: this.#box };
  }

  #move(event) {
    if (!this.#start) return;
    if (this.viewer.fingers > 1) {
      this.box = this.#start.before;
      this.#start = null;
      return;
    }
    this.box = between(this.#start.at, this.#point(event));
  }

  #up(event) {
    if (!this.#start) return;
    const box = between(this.#start.at, this.#point(event));
    const { before } = this.#start;
    this.#start = null;
    if (box[2] < SMALLEST || box[3] < SMALLEST) this.box = before;
    else this.#set(box);
  }

  #key(event) {
    if (!this.#active) return;
    const way = WAYS[event.key];
    if (way) {
      let [x, y, width, height] = this.#box;
      if (event.shiftKey) {
        width = Math.min(1 - x, Math.max(2 * STEP, width + STEP * way[0]));
        height = Math.min(1 - y, Math.max(2 * STEP, height + STEP * way[1]));
      } else {
        x = Math.min(1 - width, Math.max(0, x + STEP * way[0]));
        y = Math.min(1 - height, Math.max(0, y + STEP * way[1]));
      }
      this.#set([x, y, width, height]);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.#set(null);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

function between([x, y], [u, v]) {
  return [Math.min(x, u), Math.min(y, v), Math.abs(x - u), Math.abs(y - v)];
}
