// The grid of candidates: focus, numbers, grades, and more of them on scrolling.

import { makeCard } from "./cards.js";
import { h } from "./dom.js";

const DIGITS = 9;
const AHEAD = 600; // pixels below the visible part at which more candidates are fetched

export class Candidates {
  #cards = [];
  #current = 0;
  #first = 0; // of the nine that have numbers
  #total = 0;
  #seen = 0; // so many, from the best on, have been in view
  #fetching = null;
  /** While a dialog shows candidates: as it closes, the browser gives the focus back to the card
   *  that it was opened from, which need not be the current one any more. */
  held = false;

  /** `toggled(candidate)`: its picture was pressed. `focused(candidate)`: it became the current
   *  one. `more(start)`: a promise of further candidates. */
  constructor(scroller, { toggled, focused, more }) {
    this.scroller = scroller;
    this.list = h("ol", { class: "cards" });
    scroller.replaceChildren(this.list);
    Object.assign(this, { toggled, focused, more });
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#look()).observe(scroller);
  }

  show(candidates, total, grades) {
    this.list.replaceChildren();
    this.#cards = [];
    [this.#current, this.#first, this.#total, this.#seen, this.#fetching] = [0, 0, total, 0, null];
    this.scroller.scrollTop = 0;
    this.#append(candidates, grades);
    this.focus(0);
  }

  #append(candidates, grades) {
    const start = this.#cards.length;
    candidates.forEach((candidate, i) => {
      const card = makeCard(candidate, () => {
        this.focus(start + i);
        this.toggled(candidate);
      });
      card.grade(grades[candidate.id] ?? null);
      card.button.tabIndex = -1;
      card.button.addEventListener("focus", () => this.held || this.#choose(start + i));
      card.addEventListener("click", (event) => {
        if (!card.button.contains(event.target)) this.focus(start + i);
      });
      this.#cards.push(card);
      this.list.append(card);
    });
    this.#number();
    this.#look();
  }

  get current() {
    return this.#cards[this.#current]?.item ?? null;
  }

  /** How many have been in view, counted from the best. */
  get seen() {
    this.#look();
    return this.#seen;
  }

  get seenIds() {
    return this.#cards.slice(0, this.seen).map((card) => card.item.id);
  }

  find(id) {
    return this.#cards.findIndex((card) => card.item.id === id);
  }

  grade(id, grade) {
    this.#cards[this.find(id)]?.grade(grade);
  }

  /** Make a candidate the current one and bring it into view. */
  focus(index) {
    const card = this.#cards[index];
    if (!card) return;
    this.#choose(index);
    card.button.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  /** Give the keyboard back to the current candidate, after a press of another button. */
  refocus() {
    this.focus(this.#current);
  }

  /** Move the focus by an arrow key. */
  move(name) {
    const columns = this.#columns;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[name];
    const last = this.#cards.length - 1;
    const next = this.#current + step;
    if (next >= 0) this.focus(Math.min(next, last));
    if (next + columns > last) this.#extend();
  }

  /** The candidate with a number on it; it becomes the current one. */
  numbered(digit) {
    const index = this.#first + digit - 1;
    this.focus(index);
    return this.#cards[index]?.item ?? null;
  }

  get #columns() {
    return getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
  }

  #choose(index) {
    this.#mark(this.#cards[this.#current], false);
    this.#current = index;
    this.#mark(this.#cards[index], true);
    // The numbers follow by whole rows, and no further than they must.
    const columns = this.#columns;
    const past = index - (this.#first + DIGITS - 1);
    if (past > 0) this.#first += columns * Math.ceil(past / columns);
    else if (index < this.#first) this.#first = index - (index % columns);
    this.#number();
    this.focused(this.current);
  }

  /** Tab stops at the current candidate alone: further on it leaves a list that has no end. */
  #mark(card, current) {
    card.classList.toggle("current", current);
    card.button.tabIndex = current ? 0 : -1;
  }

  #number() {
    this.#cards.forEach((card, i) => {
      const digit = i - this.#first + 1;
      card.digit.hidden = digit < 1 || digit > DIGITS;
      card.digit.textContent = String(digit);
    });
  }

  #scrolled() {
    this.#look();
    const card = this.#cards[this.#current];
    // Keys act on what can be seen: whoever scrolled away means what is there now.
    if (card && !this.#inView(card)) {
      const visible = this.#cards.findIndex((one) => this.#inView(one));
      if (visible < 0) return;
      this.#first = visible;
      this.#choose(visible);
    }
  }

  #inView(card) {
    const top = card.offsetTop - this.scroller.scrollTop;
    return top + card.offsetHeight > 0.4 * card.offsetHeight && top < this.scroller.clientHeight - 0.4 * card.offsetHeight;
  }

  /** Note how far the list has been seen, and fetch more of it in time. */
  #look() {
    for (let i = this.#cards.length - 1; i >= this.#seen; i--) {
      if (this.#inView(this.#cards[i])) {
        this.#seen = i + 1;
        break;
      }
    }
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    if (scrollTop + clientHeight + AHEAD > scrollHeight && scrollTop > 0) this.#extend();
  }

  async #extend() {
    if (this.#fetching || this.#cards.length >= this.#total) return;
    const fetching = this.more(this.#cards.length);
    this.#fetching = fetching;
    const found = await fetching;
    if (this.#fetching !== fetching) return; // another query is shown by now
    this.#fetching = null;
    if (found) this.#append(found.candidates, found.grades);
  }
}
