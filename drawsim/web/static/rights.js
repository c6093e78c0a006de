// Whose a picture is, and whether it may be published.

import { h } from "./dom.js";

const WARNING = {
  no: "may not be published without permission",
  conditions: "may be published under conditions",
};

/** The rights in words: "CC BY 4.0, Museum Example"; empty where nothing is said. */
export function rightsOf({ rights }) {
  return rights ? [rights.label, rights.statement].filter(Boolean).join(", ") : "";
}

/** What is said of whether a picture may be published, for who points at it. */
export function warningOf({ rights }) {
  return (rights && WARNING[rights.use]) ?? "";
}

/** The rights as facts: name -> text or link. */
export function rightsFacts(item) {
  const { label, address, statement, homepage } = item.rights ?? {};
  const link = (url, text) => h("a", { href: url, target: "_blank", rel: "noopener" }, text);
  const warning = warningOf(item);
  return {
    ...(label ? { rights: h("span", {}, address ? link(address, label) : label, warning ? ` (${warning})` : "") } : {}),
    ...(statement ? { "to be said": statement } : {}),
    ...(homepage ? { source: link(homepage, new URL(homepage).host) } : {}),
  };
}
