// Elements, and the small drawings of a motif: who draws it, where and when.
const SVG = "http://www.w3.org/2000/svg";
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  return filled(element, attributes, children);
}
function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}
const number = (value) => value.toLocaleString("en");
const counted = (value, one, several = `${one}s`) => `${number(value)} ${value === 1 ? one : several}`;

// Odds on a logarithmic line, 1 in the middle; what reaches beyond the line ends at its edge. A dot
// stands where the odds are estimated: of none, or of all, there is an interval alone.
function whisker(row, most) {
  const place = (odds) => {
    const share = 50 + (50 * Math.log(odds)) / Math.log(most);
    return Math.min(100, Math.max(0, share));
  };
  const [odds, low, high] = row.odds.map((value) => (value === null ? 100 : value > 0 ? place(value) : 0));
  return make("span", { class: "whisker", "aria-hidden": "true" },
    make("i", { class: "range", style: `left: ${low}%; width: ${Math.max(1, high - low)}%` }),
    row.odds[0] ? make("i", { class: "point", style: `left: ${odds}%` }) : null);
}
function whoPanel(group, most) {
  const rows = group.rows.map((row) => make("li", { class: row.found ? "found mark" : "mark", "aria-label": row.tip },
    make("span", { class: "value" }, row.value), whisker(row, most),
    make("span", { class: "share" }, make("b", {}, row.text), `, expected ${row.expected}`)));
  return make("section", { class: "who" }, make("h4", {}, "Who draws it"), make("ul", {}, ...rows),
    make("p", { class: "axis", "aria-hidden": "true" }, make("span", {}, "rarer"), make("span", {}, "as expected"), make("span", {}, "more often")));
}

function worldSymbol(world) {
  const land = Object.values(world.places).map(([, path]) => path).join("");
  return shape("svg", { width: 0, height: 0, style: "position:absolute", "aria-hidden": "true" },
    shape("symbol", { id: "world", viewBox: `0 0 ${world.width} ${world.height}` },
      shape("path", { d: land, fill: "var(--tile)", stroke: "var(--page)", "stroke-width": 1 })));
}
function mapPanel(group, world) {
  const counts = Object.entries(group.countries).filter(([code]) => world.places[code]);
  const top = Math.max(1, ...counts.map(([, count]) => count));
  const shade = (count) => `var(--m${top === 1 ? 5 : Math.round(1 + (5 * Math.log(count)) / Math.log(top))})`;
  const marks = counts.reverse().map(([code, count]) => {
    const [name, path, dot] = world.places[code];
    const style = { fill: shade(count), stroke: "var(--page)", "stroke-width": 1 };
    const mark = shape("g", { class: "mark", "aria-label": `${name}: ${counted(count, "drawing")}` });
    if (path) mark.append(shape("path", { d: path, ...style }));
    mark.append(...(dot ? [shape("circle", { cx: dot[0], cy: dot[1], r: 9, ...style })] : []));
    return mark;
  });
  const most = Object.entries(group.countries).slice(0, 3);
  const name = (code) => (world.places[code] ? world.places[code][0] : code);
  const said = most.map(([code, count]) => `${name(code)} ${number(count)}`).join(", ");
  const others = Object.keys(group.countries).length - most.length;
  return [make("h4", {}, "Where"),
    shape("svg", { class: "map", viewBox: `0 0 ${world.width} ${world.height}`, role: "img", "aria-label": `Map: ${said}` },
      shape("use", { href: "#world" }), ...marks),
    make("p", { class: "soft" }, said + (others > 0 ? ` and ${counted(others, "other")}` : ""))];
}

// Of each year of the collection the group's drawings, before what its size leads to expect.
function timePanel(group, years, drawings) {
  const first = years[0][0], last = years[years.length - 1][0];
  const span = last - first + 1, high = 44;
  const own = new Map(group.years);
  const usual = new Map(years.map(([year, total]) => [year, (total * group.members.length) / drawings]));
  const top = Math.max(...own.values(), ...usual.values(), 1);
  const bar = (year, value, style) => shape("rect", { x: year - first + 0.08, width: 0.84,
    y: high * (1 - value / top), height: Math.max(0, (high * value) / top), ...style });
  const marks = years.map(([year]) => shape("g", { class: "mark", "aria-label":
    `${year}: ${counted(own.get(year) || 0, "drawing")}, ${usual.get(year).toFixed(1)} by its size` },
    bar(year, top, { fill: "transparent" }), bar(year, usual.get(year), { fill: "var(--rule)" }),
    bar(year, own.get(year) || 0, { fill: "var(--c1)", "fill-opacity": 0.8 })));
  return [make("h4", {}, "When"),
    shape("svg", { class: "time", viewBox: `0 0 ${span} ${high}`, preserveAspectRatio: "none", role: "img",
      "aria-label": `Drawings by year, ${first} to ${last}` }, ...marks),
    make("p", { class: "axis", "aria-hidden": "true" }, make("span", {}, String(first)), make("span", {}, String(last)))];
}
