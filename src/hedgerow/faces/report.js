// The report's own page: filters the table of decisions, and chooses what two charts show.
(() => {
  const { data, $, make, state, draw, small } = page;

  // --------------------------------------------------------------------------------------------------------- decisions
  const log = data.decisions;
  const size = small.matches ? 10 : 25;
  const view = { rows: [], page: 0, newest: false };
  const word = (column, i) => log.strings[log[column][i]];
  const stamp = (seconds, exact) => { const text = new Date(seconds * 1000).toISOString(); return exact ? text.slice(0, 10) + " " + text.slice(11, 16) : text.slice(0, 10); };
  const number = (value, digits = 4) => value === null ? "–" : value.toLocaleString("en-GB", { maximumSignificantDigits: digits }).replace("-", "−");
  const money = (value) => value === null ? "–" : value.toLocaleString("en-GB", { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 }).replace("-", "−");
  const clock = new Set(log.risk), via = new Set(log.via);
  let haystack = null;

  function hay(i) {
    haystack ||= [];
    return haystack[i] ??= ["instrument", "asset", "action", "reason", "row", "refused", "sentence"].map((c) => word(c, i)).join(" ").toLowerCase() + " " + stamp(log.decided[i], true);
  }

  function filter() {
    const form = $("filters").elements;
    const asset = form.asset.value, reason = form.reason.value, outcome = form.outcome.value;
    const words = form.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    view.rows = [];
    for (let i = 0; i < log.decided.length; i++) {
      if (asset !== "" && String(log.asset[i]) !== asset) continue;
      if (reason !== "" && String(log.reason[i]) !== reason) continue;
      if (outcome && (outcome === "refused") !== (word("refused", i) !== "")) continue;
      if (words.length && !words.every((w) => hay(i).includes(w))) continue;
      view.rows.push(i);
    }
    if (view.newest) view.rows.reverse();
    view.page = 0;
    show();
  }

  const cell = (content, head, kind = "") => { const td = make("td", head ? { "data-h": head } : {}, content); if (kind) td.className = kind; return td; };

  function line(i) {
    const refused = word("refused", i);
    const when = cell(stamp(log.decided[i], clock.has(i)));
    if (clock.has(i)) when.append(make("span", { class: "clock" }, "risk clock"));
    if (log.days[i] > 1) { when.prepend("since "); when.append(make("span", { class: "under" }, log.days[i].toLocaleString("en-GB") + " days")); }
    const why = cell(word("reason", i), "", "why");
    if (word("row", i)) why.append(" ", make("code", {}, word("row", i)));
    if (word("sentence", i)) why.append(make("p", {}, word("sentence", i).replace(/(\d) (%|pp|bp)/g, "$1\u202f$2")));
    const out = refused ? cell(make("span", { class: "no" }, "Refused: "), "", "out") : cell("Filled", "", "out");
    if (refused) out.append(refused);
    else {
      if (log.price[i] !== null) out.append(" at " + number(log.price[i], 5));
      if (log.filled[i] !== null) out.append(" ", make("span", { class: "soft" }, stamp(log.filled[i], true)));
    }
    const asset = cell(word("asset", i)); asset.title = word("instrument", i);
    if (via.has(i)) asset.append(make("span", { class: "under" }, "by " + word("instrument", i)));
    return make("tr", {}, when, asset, cell(word("action", i)), cell(number(log.amount[i]), "coins", "n"), cell(money(log.notional[i]), "value", "n"),
      cell(money(log.cost[i]), "cost", "n"), why, cell(word("measured", i), "measured", "n"), cell(word("threshold", i), "threshold", "n"), out);
  }

  function show() {
    const total = view.rows.length, pages = Math.max(1, Math.ceil(total / size));
    view.page = Math.min(Math.max(0, view.page), pages - 1);
    const from = view.page * size;
    const body = $("rows").tBodies[0];
    body.replaceChildren(...view.rows.slice(from, from + size).map(line));
    if (!total) body.append(make("tr", {}, make("td", { colspan: "10", class: "soft" }, "Nothing matches.")));
    $("place").textContent = total ? `${(from + 1).toLocaleString("en-GB")}–${Math.min(total, from + size).toLocaleString("en-GB")} of ${total.toLocaleString("en-GB")}` : "";
    $("previous").disabled = view.page === 0;
    $("next").disabled = view.page >= pages - 1;
  }

  function options(name, column) {
    const counts = new Map();
    for (const i of log[column]) counts.set(i, (counts.get(i) || 0) + 1);
    const sorted = [...counts].sort((a, b) => log.strings[a[0]].localeCompare(log.strings[b[0]]));
    for (const [i, count] of sorted) $("filters").elements[name].append(make("option", { value: String(i) }, `${log.strings[i] || "none"} (${count.toLocaleString("en-GB")})`));
  }

  // ------------------------------------------------------------------------------------------------------------- start
  options("asset", "asset"); options("reason", "reason"); filter();
  $("filters").addEventListener("input", filter);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("newest").addEventListener("click", (event) => { view.newest = !view.newest; event.currentTarget.setAttribute("aria-pressed", String(view.newest)); filter(); });
  $("previous").addEventListener("click", () => { view.page--; show(); });
  $("next").addEventListener("click", () => { view.page++; show(); });
  $("log").addEventListener("click", (event) => { state.log = !state.log; event.currentTarget.setAttribute("aria-pressed", String(state.log)); draw("equity"); });
  $("pick").addEventListener("change", (event) => { state.pick = Number(event.target.value); draw("hedge"); });
})();
