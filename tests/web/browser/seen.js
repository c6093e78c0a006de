// What can be seen and reached on a page. The value of this file is an object of functions.
({
  /** The elements that Tab must reach: what can be acted on, in the dialog if one is open. */
  tabStops() {
    const selector =
      "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
    const open = document.querySelector("dialog[open]") ?? document;
    return [...open.querySelectorAll(selector)].filter((element) => {
      if (element.disabled || !element.checkVisibility({ checkVisibilityCSS: true })) return false;
      // From the one that Tab reaches, arrows go on: in a grid of pictures, among radio buttons.
      const grid = element.tabIndex < 0 && element.closest(".cards");
      if (grid && grid.querySelector("[tabindex='0']")) return false;
      return element.type !== "radio" || element.checked;
    });
  },

  /** Every visible text, with its contrast to what is painted under it (WCAG 2.2, 1.4.3). */
  texts() {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const parse = (colour) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, alpha] = canvas.getImageData(0, 0, 1, 1).data;
      return { rgb: [r, g, b], alpha: alpha / 255 };
    };
    const over = (upper, alpha, lower) => upper.map((value, i) => value * alpha + lower[i] * (1 - alpha));
    const line = (element) => (element ? [...line(element.parentElement), element] : []);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    // Each ancestor paints its background over what is there, faded by its opacity.
    const painted = (element, colour) => {
      let ground = dark ? [18, 18, 18] : [255, 255, 255];
      let text = ground;
      for (const one of line(element)) {
        const style = getComputedStyle(one);
        const opacity = Number(style.opacity);
        const own = parse(style.backgroundColor);
        const filled = over(own.rgb, own.alpha, ground);
        const ink = parse(colour);
        text = over(over(ink.rgb, ink.alpha, filled), opacity, ground);
        ground = over(filled, opacity, ground);
      }
      return [text, ground];
    };
    const luminance = (rgb) => {
      const [r, g, b] = rgb.map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    const note = (element, text, colour) => {
      const gone = line(element).some((one) => getComputedStyle(one).opacity === "0");
      if (gone || !element.checkVisibility({ checkVisibilityCSS: true })) return;
      if (element.closest(":disabled")) return; // exempt: it cannot be used
      const [upper, lower] = painted(element, colour).map(luminance).sort((a, b) => b - a);
      found.push({
        text: text.trim().slice(0, 60),
        tag: element.tagName.toLowerCase(),
        contrast: (upper + 0.05) / (lower + 0.05),
      });
    };
    const open = document.querySelector("dialog[open]") ?? document.body;
    const walker = document.createTreeWalker(open, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { data, parentElement } = walker.currentNode;
      if (!data.trim() || parentElement.closest("script, style, noscript, option")) continue;
      note(parentElement, data, getComputedStyle(parentElement).color);
    }
    for (const field of open.querySelectorAll("input, select, textarea")) {
      if (["radio", "checkbox", "hidden", "file"].includes(field.type)) continue;
      note(field, field.value || "(a field)", getComputedStyle(field).color);
      if (field.placeholder) {
        note(field, field.placeholder, getComputedStyle(field, "::placeholder").color);
      }
    }
    return found;
  },

  /** What does not fit into the width of the window; tables and tabs may scroll on their own. */
  overflowing() {
    const found = document.scrollingElement.scrollWidth > innerWidth ? ["the page"] : [];
    for (const element of document.querySelectorAll("body *")) {
      if (!element.checkVisibility({ checkVisibilityCSS: true })) continue;
      const name = `${element.tagName.toLowerCase()}#${element.id}.${element.className}`;
      const scrolls = ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
      const may = element.matches(".scroll, .tabs, textarea");
      if (scrolls && !may && element.scrollWidth > element.clientWidth) {
        found.push(`${name} scrolls sideways`);
      }
      if (!element.matches("a, button, input, select, textarea, summary")) continue;
      if (element.closest(".scroll, .tabs, .skip")) continue;
      const { left, right } = element.getBoundingClientRect();
      if (left < -1 || right > innerWidth + 1) found.push(`${name} is beyond the side`);
    }
    return found;
  },

  /** Which of the elements that a selector names are cut off, or lie under others. */
  covered(selector) {
    const hidden = [...document.querySelectorAll(selector)].filter((element) => {
      if (!element.checkVisibility({ checkVisibilityCSS: true })) return false;
      const { left, top, width, height } = element.getBoundingClientRect();
      const hit = document.elementFromPoint(left + width / 2, top + height / 2);
      return !hit || !(element.contains(hit) || (hit.tagName === "LABEL" && hit.contains(element)));
    });
    return hidden.map((element) => element.outerHTML.slice(0, 120));
  },
})
