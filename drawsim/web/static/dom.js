// Elements without templates: text is always text here, never HTML, whatever ids and notes hold.

/** An element. `props`: class, data (an object), on… (listeners), aria-… and other attributes;
 *  false, null and undefined leave an attribute out, true sets it empty. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "data") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** The address of a picture. `size`: thumb or full. */
export function picture(kind, id, size) {
  return `/picture?${new URLSearchParams({ kind, id, size })}`;
}

/** Years, countries and whatever else a table says, as the <div>s of a <dl class="facts">. A value is
 *  a text or an element. */
export function facts(details) {
  return Object.entries(details).map(([name, value]) =>
    h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, value)));
}

/** An id or title, with places where a line may break: after _ and - and /. */
export function breakable(text) {
  return text.split(/(?<=[_/-])/).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));
}

/** What a server says went wrong, as a sentence. */
export function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
}

export function plural(count, one, many) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** Opens a <dialog> that closes by its buttons of class "close", by Escape and by a click outside. */
export function openDialog(dialog) {
  if (!dialog.dataset.ready) {
    dialog.dataset.ready = "yes";
    dialog.addEventListener("click", (event) => {
      const { left, right, top, bottom } = dialog.getBoundingClientRect();
      const outside = event.target === dialog
        && (event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom);
      if (outside || event.target.closest(".close")) dialog.close();
    });
  }
  if (!dialog.open) dialog.showModal();
}
