// What every page does: draws its charts in the theme of the moment, and sorts its tables. No request leaves it.
"use strict";
const page = (() => {
  const data = JSON.parse(document.getElementById("payload").textContent);
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  // ---------------------------------------------------------------------------------------------------------- theme
  const night = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const theme = () => (printing ? "light" : root.dataset.theme || (night.matches ? "dark" : "light"));
  try { const kept = localStorage.getItem("hedgerow-theme"); if (kept === "light" || kept === "dark") root.dataset.theme = kept; } catch { /* private mode */ }

  // --------------------------------------------------------------------------------------------------------- charts
  const state = { pick: 0, log: false, hidden: {} };
  const nodes = Object.fromEntries([...document.querySelectorAll("[data-chart]")].map((node) => [node.dataset.chart, node]));

  function seriesOf(reference) {
    let values = data.series[reference.$];
    if (Array.isArray(values[0])) values = values[Math.min(state.pick, values.length - 1)];
    if (reference.names) return values.map((i) => (i === null ? "not listed" : safe(data.series[reference.names][i])));
    if ("flat" in reference) return values.map(() => reference.flat);
    return reference.row ? [values] : values;
  }
  const safe = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  // A copy of a chart with colours and series in the place of their references.
  function resolved(value, colours) {
    if (Array.isArray(value)) return value.map((entry) => resolved(entry, colours));
    if (value === null || typeof value !== "object") return value;
    if ("@" in value) return colours[value["@"]];
    if ("$" in value) return seriesOf(value);
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, resolved(entry, colours)]));
  }

  const touch = matchMedia("(pointer: coarse)").matches;
  const config = {
    responsive: true, displaylogo: false, scrollZoom: false, doubleClick: "reset",
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };

  function draw(name) {
    const chart = resolved(data.charts[name], data.palettes[theme()]);
    const layout = chart.layout;
    layout.dragmode = touch ? false : "zoom";
    layout.uirevision = "keep";
    layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: data.palettes[theme()].muted, activecolor: data.palettes[theme()].ink };
    if (nodes[name].clientWidth < 560) narrow(chart);
    if (name === "equity" && state.log) { delete layout.yaxis.range; Object.assign(layout.yaxis, { type: "log" }, chart.log); }
    if (printing) layout.width = 690;
    const hidden = state.hidden[name] || {};
    for (const trace of chart.data) {
      const group = trace.meta && trace.meta.group;
      if (group in hidden) trace.visible = hidden[group] ? false : true;
      else if (trace.visible === "legendonly") trace.visible = false;
    }
    return Plotly.react(nodes[name], chart.data, layout, { ...config, toImageButtonOptions: { filename: "hedgerow-" + name, scale: 2 } });
  }

  function narrow(chart) {
    chart.layout.margin = { ...chart.layout.margin, l: 44, r: 8 };
    chart.layout.xaxis.nticks = 4;
    for (const note of chart.layout.annotations) { if (note.xshift) note.xshift = -44; note.font.size = Math.min(11, note.font.size); }
    for (const trace of chart.data) {
      if (trace.type !== "waterfall") continue;
      const [low, high] = chart.layout.xaxis.range;
      trace.textfont.size = 10;
      chart.layout.xaxis.range = [low < 0 ? low - (high - low) * 0.12 : low, high + (high - low) * 0.12];
    }
  }

  const redraw = () => Object.keys(nodes).forEach(draw);

  // A legend of real buttons: it wraps on narrow screens and works from the keyboard.
  function legend(name, place) {
    for (const trace of data.charts[name].data) {
      if (!trace.meta || !trace.meta.legend) continue;
      const group = trace.meta.group;
      const button = make("button", { type: "button", "aria-pressed": String(trace.visible !== "legendonly") }, sample(trace), make("span", {}, trace.meta.legend));
      if (trace.meta.first) button.className = "first";
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        (state.hidden[name] ||= {})[group] = !on;
        draw(name);
      });
      place.append(button);
    }
  }

  const svg = document.querySelector("svg").namespaceURI;

  function sample(trace) {
    const picture = document.createElementNS(svg, "svg");
    picture.setAttribute("width", "22"); picture.setAttribute("height", "10"); picture.setAttribute("aria-hidden", "true");
    const part = (tag, attributes) => { const shape = document.createElementNS(svg, tag); for (const [k, v] of Object.entries(attributes)) shape.setAttribute(k, v); picture.append(shape); };
    if (trace.type === "bar") {
      part("rect", { x: 6, y: 0, width: 10, height: 10, fill: `var(--${trace.marker.color["@"]})` });
    } else if (trace.marker) {
      const shapes = { "triangle-down": "M6 1h10l-5 8z", "triangle-up": "M6 9h10l-5-8z", x: "M7 2l2-2 2 3 2-3 2 2-2 3 2 3-2 2-2-3-2 3-2-2 2-3z" };
      part("path", { d: shapes[trace.marker.symbol], fill: `var(--${trace.marker.color["@"]})` });
    } else {
      const dashes = { dot: "2 3", dash: "6 3", dashdot: "6 3 2 3", longdash: "9 3", longdashdot: "9 3 2 3" };
      part("line", { x1: 0, x2: 22, y1: 5, y2: 5, stroke: `var(--${trace.line.color["@"]})`, "stroke-width": Math.max(2, trace.line.width), "stroke-dasharray": dashes[trace.line.dash] || "none" });
    }
    return picture;
  }

  // ---------------------------------------------------------------------------------------------------- sortable table
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => { const cell = row.cells[column]; return column === 0 ? cell.textContent : cell.dataset.v === "" ? null : Number(cell.dataset.v); };
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === null || y === null) return (x === null) - (y === null);  // what is not defined stays last
        const order = typeof x === "string" ? x.localeCompare(y) : x - y;
        return down ? -order : order;
      });
      table.tBodies[0].append(...rows);
    }));
  }

  // ------------------------------------------------------------------------------------------------------------- start
  $("theme").addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    try { localStorage.setItem("hedgerow-theme", root.dataset.theme); } catch { /* private mode */ }
    redraw();
  });
  const small = matchMedia("(max-width: 40rem)");
  night.addEventListener("change", redraw);
  small.addEventListener("change", redraw);
  addEventListener("beforeprint", () => { printing = true; redraw(); });
  addEventListener("afterprint", () => { printing = false; redraw(); });
  for (const place of document.querySelectorAll("[data-legend]")) legend(place.dataset.legend, place);
  redraw();
  return { data, $, make, state, draw, small };
})();
