// The list of motifs: found, ordered, and drawn a few at a time as the reader comes to them.
const data = JSON.parse(document.getElementById("data").textContent);
const list = document.getElementById("motifs"), find = document.getElementById("find");
const order = document.getElementById("order"), source = document.getElementById("source");
const AT_ONCE = 12, TILE = 96, GAP = 8;
const odds = data.groups.flatMap((group) => group.rows.filter((row) => row.found).flatMap((row) => row.odds.slice(0, 2)));
const most = Math.min(1000, Math.max(8, ...odds.filter((value) => value > 0).map((value) => Math.max(value, 1 / value))));
let shown = [], drawn = 0, waiting = 0;

data.groups.forEach((group, place) => {
  group.place = place;
  group.words = [`motif ${group.id}`, group.name, ...group.tags, ...group.members, ...group.names, ...Object.keys(group.countries), ...group.findings,
    ...group.near.flatMap((near) => [near.id, near.title, near.artist])].join("\n").toLowerCase();
});
if (data.world) document.body.append(worldSymbol(data.world));

function tile(group, place) {
  const id = group.members[place], file = group.files[place];
  const picture = group.missing.includes(place)
    ? make("span", { class: "picture", role: "img", "aria-label": `Drawing ${id}, picture not available` })
    : make("img", { src: `./thumbnails/${group.place + 1}/${place}.webp`, alt: `Drawing ${id}`, loading: "lazy", decoding: "async" });
  const inside = file ? make("a", { href: file, target: "_blank", rel: "noopener" }, picture) : picture;
  const out = group.removed.includes(place);
  const said = [place ? id : `${id}, the most typical`, out && "taken out by hand", group.rights[place]].filter(Boolean).join(" · ");
  return make("li", { class: `${place ? "" : "medoid "}${out ? "out " : ""}mark`, "aria-label": said }, inside);
}
function tiles(group) {
  const columns = Math.max(3, Math.floor((list.clientWidth + GAP) / (TILE + GAP)));
  const first = Math.min(group.pictures, 2 * columns - 3);
  const grid = make("ul", { class: "tiles" });
  for (let place = 0; place < first; place += 1) grid.append(tile(group, place));
  const left = group.members.length - group.pictures;
  const rest = left > 0 ? make("p", { class: "soft" }, `and ${number(left)} more: `, make("a", { href: "./tables/members.csv" }, "tables/members.csv")) : null;
  if (first === group.pictures) return [grid, rest];
  const button = make("button", { type: "button", class: "all" }, `Show ${left > 0 ? `the first ${group.pictures}` : `all ${group.pictures}`}`);
  button.addEventListener("click", () => {
    for (let place = first; place < group.pictures; place += 1) grid.append(tile(group, place));
    grid.children[first].querySelector("a")?.focus({ preventScroll: true });
    button.replaceWith(...(rest ? [rest] : []));
  });
  return [grid, button];
}
function nearPanel(group) {
  const works = group.near.map((near) => make("li", { class: near.confirmed ? "true" : null },
    near.picture ? make("img", { src: `./${near.picture}`, alt: `Artwork ${near.id}`, loading: "lazy", decoding: "async" })
      : make("span", { class: "picture", role: "img", "aria-label": `Artwork ${near.id}, picture not available` }),
    make("div", {}, near.title ? make("cite", {}, near.title) : null, near.artist ? make("span", { class: "artist" }, near.artist) : null,
      make("span", { class: "id" }, near.id),
      near.rights ? make("span", { class: "rights" }, near.rights) : null, make("span", { class: "text" }, near.text))));
  return make("section", { class: "near" }, make("h4", {}, "Nearest artworks"), make("ul", {}, ...works));
}
function matchPanel(group) {
  if (!group.match) return null;
  return make("details", {}, make("summary", {}, "What matches"),
    make("figure", { class: "match" }, make("img", { src: `./${group.match}`, loading: "lazy", alt: `Parts of ${group.members[0]} that match ${group.matched}` }),
      make("figcaption", {}, `${group.members[0]}, the most typical, and ${group.matched}`)));
}
function article(group) {
  const facts = [group.summary, `stability ${group.stability.toFixed(2)}`];
  if (group.name) facts.unshift(`Motif ${group.id}`);
  if (group.removed.length) facts.push(`${group.removed.length} taken out by hand`);
  if (group.confirmed !== null) facts.push(`${Math.round(100 * group.confirmed)} % of its neighbours match in one layout`);
  const panels = [];
  if (group.rows.length) panels.push(whoPanel(group, most));
  const place = [];
  if (data.world && Object.keys(group.countries).length) place.push(...mapPanel(group, data.world));
  if (data.years.length && group.years.length) place.push(...timePanel(group, data.years, data.drawings));
  if (place.length) panels.push(make("section", { class: "place" }, ...place));
  if (group.near.length) panels.push(nearPanel(group));
  const said = group.findings.map((text) => make("li", {}, text));
  if (group.more) said.push(make("li", { class: "soft" }, `and ${group.more} more`));
  return make("article", { class: "motif", id: `motif-${group.id}`, tabindex: "-1" },
    make("h3", {}, `${group.name || `Motif ${group.id}`} `, make("small", {}, facts.join(" · "))),
    group.tags.length ? make("ul", { class: "tags", "aria-label": "Tags" }, ...group.tags.map((tag) => make("li", {}, tag))) : null,
    said.length ? make("ul", { class: "said" }, ...said) : null,
    make("p", { class: `source ${group.source}` }, group.said),
    ...tiles(group).filter(Boolean), panels.length ? make("div", { class: "panels" }, ...panels) : null, matchPanel(group),
    group.sheet ? make("p", { class: "sheet" }, make("a", { href: `./sheets/${group.sheet}.png` }, "Contact sheet (PNG)")) : null);
}

const ORDERS = {
  size: (one, other) => other.members.length - one.members.length,
  stability: (one, other) => other.stability - one.stability,
  name: (one, other) => !one.name - !other.name || one.name.localeCompare(other.name),
  surprise: (one, other) => other.surprise - one.surprise,
};
function more(until = drawn + AT_ONCE) {
  const added = shown.slice(drawn, until).map(article);
  list.append(...added);
  drawn += added.length;
}
function choose() {
  clearTimeout(waiting);
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  shown = data.groups.filter((group) => (!source?.value || group.source === source.value) && words.every((word) => group.words.includes(word)));
  shown.sort((one, other) => ORDERS[order.value](one, other) || one.place - other.place);
  list.replaceChildren();
  drawn = 0;
  more();
  const count = shown.length === data.groups.length ? "" : `${number(shown.length)} of `;
  document.getElementById("count").textContent = shown.length ? `${count}${counted(data.groups.length, "motif")}` : "No motif has that";
}
function goTo() {
  const id = decodeURIComponent(location.hash.slice(1));
  const is = (group) => `motif-${group.id}` === id;
  if (!data.groups.some(is)) return;
  if (!shown.some(is)) {
    find.value = "";
    if (source) source.value = "";
    choose();
  }
  more(Math.max(drawn, shown.findIndex(is) + 1));
  const found = document.getElementById(id);
  found.scrollIntoView();
  found.focus({ preventScroll: true });
}
find.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(choose, 150);
});
find.form.addEventListener("submit", (event) => { event.preventDefault(); choose(); });
for (const choice of [order, source]) choice?.addEventListener("change", choose);
addEventListener("hashchange", goTo);
new IntersectionObserver((seen) => { if (seen[0].isIntersecting && drawn < shown.length) { more(); again(); } }, { rootMargin: "1200px" })
  .observe(document.getElementById("rest"));
function again() {
  // What is seen is told once; on a tall screen there is room for more.
  requestAnimationFrame(() => {
    const rest = document.getElementById("rest").getBoundingClientRect();
    if (rest.top < innerHeight + 1200 && drawn < shown.length) { more(); again(); }
  });
}
choose();
goTo();
