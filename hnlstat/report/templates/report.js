"use strict";
// The interactive contour: axes, limits and bounds as SVG, and the grid point under the pointer.
(() => {
  const print = (open) => document.querySelectorAll("details").forEach((d) => { d.open = open; });
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  const source = document.getElementById("data");
  if (!source) return;
  const data = inUnitsOfTheAxes(JSON.parse(source.textContent));
  const plane = document.getElementById("plane");
  const body = document.querySelector("#readout tbody");
  const hidden = new Set();
  const M = data.masses.length, D = data.couplings.length;
  const range = (values) => [Math.log10(values[0]), Math.log10(values[values.length - 1])];
  const whole = { x: range(data.masses), y: range(data.couplings) };
  let [x0, x1] = whole.x, [y0, y1] = whole.y; // what is shown
  const margin = { left: 58, right: 12, top: 10, bottom: 44 };
  let here = null, size = { w: 0, h: 0 }, mark = null;

  // Data are in GeV and the unit of the coupling.
  function inUnitsOfTheAxes(all) {
    const m = all.mass.factor, d = all.coupling.factor;
    const scaled = (line) => line.map(([mass, coupling]) => [m * mass, d * coupling]);
    all.masses = all.masses.map((mass) => m * mass);
    all.couplings = all.couplings.map((coupling) => d * coupling);
    for (const limit of all.limits) {
      limit.rings = limit.rings.map(scaled);
      limit.lines = limit.lines.map(scaled);
    }
    for (const bound of all.bounds) bound.line = scaled(bound.line);
    return all;
  }

  const style = (limit) => {
    if (limit.color) return { stroke: limit.color, width: 1.8, dash: limit.dash };
    if (limit.kind === "discovery") return { stroke: "#D55E00", width: 1.5, dash: "2 3" };
    if (limit.strong) return { stroke: "#D55E00", width: 1.5, dash: "" };
    if (limit.kind === "observed") return { stroke: "#0072B2", width: 2.2, dash: "" };
    if (limit.kind === "expected") return { stroke: "#000", width: 1.5, dash: "6 4" };
    return { stroke: "#5aa5d6", width: 0.8, dash: "" };
  };
  // Regions that an excess prefers have a colour for each analysis, all else is grey.
  const preferred = [...new Set(data.bounds.filter((b) => b.status === "allowed").map((b) => b.label))];
  const DASH = { solid: "", dashed: "6 4", dotted: "2 3", dashdot: "6 3 2 3" };
  const boundStyle = (bound) => {
    const k = preferred.indexOf(bound.label);
    const stroke = bound.color ?? (k < 0 ? "#7a7a7a" : ["#B07A00", "#A85C83"][k % 2]);
    const dash = DASH[bound.style] ?? (bound.status === "projected" ? "2 3" : "");
    return { stroke, dash, fill: k >= 0 && bound.kind === "region" ? stroke + "33" : "none" };
  };
  const layer = (limit) => (limit.kind.startsWith("expected_") ? "bands ±1σ, ±2σ" : limit.name);
  const BOUNDS = "existing bounds";

  const px = (mass) => margin.left + (Math.log10(mass) - x0) / (x1 - x0) * size.w;
  const py = (d) => margin.top + (y1 - Math.log10(d)) / (y1 - y0) * size.h;
  const path = (lines) => lines.map((line) => "M" + line.map(([m, d]) =>
    px(m).toFixed(1) + " " + py(d).toFixed(1)).join("L")).join("");

  const make = (name, attributes, parent, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.appendChild(node);
    return node;
  };

  const superscript = (n) => String(n).replace("-", "⁻").replace(/\d/g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]);

  function drawAxes(svg) {
    const bottom = margin.top + size.h;
    for (let e = Math.floor(x0); e <= Math.ceil(x1); e++) {
      for (let k = 1; k < 10; k++) {
        const mass = k * 10 ** e, x = px(mass);
        if (Math.log10(mass) < x0 - 1e-9 || Math.log10(mass) > x1 + 1e-9) continue;
        const labelled = k === 1 || k === 2 || k === 5 || x1 - x0 < 0.6;
        make("path", { d: `M${x} ${bottom}v${labelled ? -7 : -4}`, stroke: "#000" }, svg);
        if (labelled) make("text", { x, y: bottom + 16, "text-anchor": "middle" }, svg, +mass.toPrecision(3));
      }
    }
    const named = y1 - y0 > 3 ? [1] : y1 - y0 > 1 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
    for (let e = Math.floor(y0); e <= y1 + 1e-9; e++) {
      for (const k of named) {
        const y = py(k * 10 ** e);
        if (y < margin.top - 0.01 || y > margin.top + size.h + 0.01) continue;
        make("path", { d: `M${margin.left} ${y}h7`, stroke: "#000" }, svg);
        make("text", { x: margin.left - 6, y: y + 4, "text-anchor": "end" }, svg,
          (k > 1 ? k + "·" : "") + "10" + superscript(e));
      }
    }
    if (x1 - x0 < 0.6) nearlyOneMass(svg, bottom);
    make("rect", { x: margin.left, y: margin.top, width: size.w, height: size.h, fill: "none", stroke: "#000" }, svg);
    make("text", { x: margin.left + size.w / 2, y: bottom + 36, "text-anchor": "middle" }, svg, `HNL mass [${data.mass.unit}]`);
    make("text", { x: 14, y: margin.top + size.h / 2, "text-anchor": "middle",
      transform: `rotate(-90 14 ${margin.top + size.h / 2})` }, svg, data.coupling.name);
  }

  // Of few masses ticks are at round differences.
  function nearlyOneMass(svg, bottom) {
    const [low, high] = [10 ** x0, 10 ** x1], step = 10 ** Math.floor(Math.log10((high - low) / 2));
    for (let n = Math.ceil(low / step); n * step <= high; n++) {
      const x = px(n * step), value = String(+(n * step).toPrecision(6));
      if ([...value.replace(/^[0.]+|[.]/g, "").replace(/0+$/, "")].length < 2) continue; // is there already
      make("path", { d: `M${x} ${bottom}v-4`, stroke: "#000" }, svg);
      if ((high - low) / step < 7 || n % 5 === 0) make("text", { x, y: bottom + 16, "text-anchor": "middle" }, svg, value);
    }
  }

  // Labels stand at the first place along their curve that no other label takes.
  function labelBounds(svg) {
    const taken = [];
    for (const bound of data.bounds) {
      if (taken.some((box) => box.label === bound.label)) continue;
      const w = 6.2 * bound.label.length, h = 13;
      const order = [...bound.line].sort((a, b) => a[1] - b[1]);
      for (const [mass, d] of order) {
        const x = px(mass) - w / 2, y = py(d) + 4;
        const inside = x > margin.left + 3 && x + w < margin.left + size.w - 3
          && y > margin.top + 3 && y + h < margin.top + size.h - 3;
        if (!inside || taken.some((b) => x < b.x + b.w && b.x < x + w && y < b.y + h && b.y < y + h)) continue;
        taken.push({ label: bound.label, x, y, w });
        make("text", { x, y: y + 11, class: "bound",
          style: bound.status === "allowed" ? `fill: ${boundStyle(bound).stroke}` : "" }, svg, bound.label);
        break;
      }
    }
  }

  function draw() {
    const width = plane.clientWidth;
    if (!width) return;
    const height = Math.max(320, Math.min(560, 0.85 * width));
    size = { w: width - margin.left - margin.right, h: height - margin.top - margin.bottom };
    plane.textContent = "";
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img",
      "aria-label": "Limits and existing bounds in the plane of mass and coupling" }, plane);
    const clip = make("clipPath", { id: "frame" }, make("defs", {}, svg));
    make("rect", { x: margin.left, y: margin.top, width: size.w, height: size.h }, clip);
    const area = make("g", { "clip-path": "url(#frame)" }, svg);
    if (!hidden.has(BOUNDS)) {
      for (const bound of data.bounds) {
        const look = boundStyle(bound);
        const line = make("path", { d: path([bound.line]), stroke: look.stroke, fill: look.fill, "stroke-width": 1,
          "stroke-dasharray": look.dash }, area);
        make("title", {}, line, bound.name);
      }
    }
    for (const limit of data.limits) {
      if (hidden.has(layer(limit))) continue;
      const look = style(limit);
      if (limit.first && limit.kind === "observed") {
        make("path", { d: path(limit.rings), fill: "#0072B2", "fill-opacity": 0.12, "fill-rule": "evenodd" }, area);
      }
      const line = make("path", { d: path(limit.lines), fill: "none", stroke: look.stroke,
        "stroke-width": look.width, "stroke-dasharray": look.dash }, area);
      make("title", {}, line, limit.name);
    }
    if (!hidden.has(BOUNDS)) labelBounds(svg);
    drawAxes(svg);
    mark = make("g", { "pointer-events": "none" }, svg);
    drawMark();
  }

  function drawMark() {
    if (!mark || !here) return;
    const x = px(data.masses[here.i]), y = py(data.couplings[here.j]);
    mark.textContent = "";
    if (!seen(x, y)) return;
    make("path", { d: `M${x} ${margin.top}v${size.h}M${margin.left} ${y}h${size.w}`, stroke: "#000",
      "stroke-width": 0.6, "stroke-dasharray": "3 3" }, mark);
    make("circle", { cx: x, cy: y, r: 5, fill: "#fff", stroke: "#000", "stroke-width": 1.5 }, mark);
    const lines = told(), right = x > margin.left + size.w / 2, w = 7 + 6.4 * Math.max(...lines.map((l) => l.length));
    const end = margin.left + size.w + margin.right - w - 1;
    const box = { x: Math.max(1, Math.min(right ? x - w - 10 : x + 10, end)), y: Math.min(y + 10, margin.top + size.h - 16 * lines.length - 8) };
    make("rect", { ...box, width: w, height: 16 * lines.length + 6, fill: "#fff", "fill-opacity": 0.9, stroke: "#999" }, mark);
    lines.forEach((line, k) => make("text", { x: box.x + 5, y: box.y + 15 + 16 * k, class: "tip" }, mark, line));
  }

  const seen = (x, y) => x > margin.left - 1 && x < margin.left + size.w + 1 && y > margin.top - 1
    && y < margin.top + size.h + 1;

  // Lowest coupling at a mass on the lines of a limit, straight between their points as they are drawn.
  function lowest(limit, mass) {
    let found = null;
    for (const line of limit.lines) {
      for (let k = 1; k < line.length; k++) {
        const [[a, c], [b, d]] = [line[k - 1], line[k]];
        if (a === b || mass < Math.min(a, b) || mass > Math.max(a, b)) continue;
        const t = Math.log(mass / a) / Math.log(b / a), at = c * (d / c) ** t;
        if (found === null || at < found) found = at;
      }
    }
    return found;
  }

  // Mass, coupling, and what is known there: CLs of one run, limits of several.
  function told() {
    const mass = data.masses[here.i], coupling = data.couplings[here.j];
    const lines = [`${+mass.toPrecision(4)} ${data.mass.unit}, ${coupling.toExponential(2)}`];
    if (data.grid) {
      const at = here.i * D + here.j, test = data.grid.method.texts[data.grid.method.code[at]].startsWith("bayesian")
        ? "posterior" : "CLs";
      for (const [name, value] of [["observed", data.grid.observed[at]], ["expected", data.grid.expected[2][at]]]) {
        if (value !== null) lines.push(`${test} ${name} ${number(value)}`);
      }
    }
    const main = data.limits.filter((l) => !hidden.has(layer(l)) && (data.grid ? l.first && !l.kind.startsWith("expected_") : true));
    for (const limit of main.slice(0, 6)) {
      const value = lowest(limit, mass);
      if (value !== null) lines.push(`${limit.name}: ${value.toExponential(2)}`);
    }
    return lines;
  }

  const nearest = (values, at) => values.reduce((best, value, k) =>
    Math.abs(Math.log(value / at)) < Math.abs(Math.log(values[best] / at)) ? k : best, 0);

  function row(name, value) {
    const line = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    line.appendChild(head);
    const cell = line.insertCell();
    cell.textContent = value;
    cell.dataset.name = name;
  }

  const number = (value) => (value === null ? "–" : value !== 0 && value < 1e-3
    ? value.toExponential(2) : String(+value.toPrecision(4)));

  function show(i, j) {
    here = { i: Math.max(0, Math.min(M - 1, i)), j: Math.max(0, Math.min(D - 1, j)) };
    const at = here.i * D + here.j, grid = data.grid;
    body.textContent = "";
    row(`mass [${data.mass.unit}]`, +data.masses[here.i].toPrecision(4));
    row(data.coupling.name, data.couplings[here.j].toExponential(3));
    for (const limit of data.limits.filter((l) => !grid || (l.first && !l.kind.startsWith("expected_")))) {
      const value = lowest(limit, data.masses[here.i]);
      row(`${grid ? "limit at this mass, " : ""}${limit.name}`, value === null ? "–" : value.toExponential(3));
    }
    if (!grid) {
      drawMark();
      return;
    }
    grid.channels.forEach((name, k) => row(`events ${name}`, number(grid.signal[k][at])));
    const method = grid.method.texts[grid.method.code[at]];
    const test = method.startsWith("bayesian") ? "posterior above," : "CLs";
    row(`${test} observed`, number(grid.observed[at]));
    row(`${test} expected`, number(grid.expected[2][at]));
    row("±1σ", [grid.expected[1][at], grid.expected[3][at]].map(number).join(" – "));
    row("±2σ", [grid.expected[0][at], grid.expected[4][at]].map(number).join(" – "));
    row("significance expected [σ]", number(grid.significance[at]));
    row("method", method);
    row("validity", grid.validity.texts[grid.validity.code[at]]);
    drawMark();
  }

  // Where in the frame an event is, from 0 to 1 along both axes.
  function place(event) {
    const box = plane.firstChild.getBoundingClientRect();
    return [(event.clientX - box.left - margin.left) / size.w, (event.clientY - box.top - margin.top) / size.h];
  }

  function follow(event) {
    const [fx, fy] = place(event);
    if (fx < -0.02 || fx > 1.02 || fy < -0.02 || fy > 1.02) return;
    show(nearest(data.masses, 10 ** (x0 + fx * (x1 - x0))), nearest(data.couplings, 10 ** (y1 - fy * (y1 - y0))));
  }

  const zoomed = () => x0 > whole.x[0] + 1e-9 || x1 < whole.x[1] - 1e-9 || y0 > whole.y[0] + 1e-9 || y1 < whole.y[1] - 1e-9;

  // Shows a part of the whole, at least a 50th of it.
  function look(part) {
    const kept = (key, low, high) => {
      const [a, b] = whole[key], span = Math.min(b - a, Math.max(high - low, (b - a) / 50));
      const start = Math.min(Math.max((low + high - span) / 2, a), b - span);
      return [start, start + span];
    };
    [x0, x1] = kept("x", ...part.x);
    [y0, y1] = kept("y", ...part.y);
    // a finger scrolls the page until there is something to move
    plane.style.touchAction = zoomed() ? "none" : "pan-y";
    plane.dataset.shown = [x0, x1, y0, y1].map((v) => (10 ** v).toPrecision(4)).join(" ");
    draw();
  }

  function zoom(factor, fx = 0.5, fy = 0.5) {
    const x = x0 + fx * (x1 - x0), y = y1 - fy * (y1 - y0);
    look({ x: [x - (x - x0) / factor, x + (x1 - x) / factor], y: [y - (y - y0) / factor, y + (y1 - y) / factor] });
  }

  function move(dx, dy) {
    const x = dx * (x1 - x0), y = dy * (y1 - y0);
    look({ x: [x0 - x, x1 - x], y: [y0 + y, y1 + y] });
  }

  const reset = () => look(whole);

  const pointers = new Map();

  function pointed(event) {
    const before = pointers.get(event.pointerId), now = place(event);
    if (!before) return follow(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId);
    pointers.set(event.pointerId, now);
    if (other) {
      const apart = ([a, b]) => Math.hypot((a - other[1][0]) * size.w, (b - other[1][1]) * size.h);
      move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
      zoom(apart(now) / Math.max(apart(before), 1), (now[0] + other[1][0]) / 2, (now[1] + other[1][1]) / 2);
    } else if (zoomed()) {
      move(now[0] - before[0], now[1] - before[1]);
    } else {
      follow(event);
    }
  }

  function fromAddress() {
    const found = /^#at=([^,]+),([^,]+)$/.exec(location.hash);
    const at = found ? found.slice(1).map(Number) : null;
    if (at && at.every((value) => value > 0)) {
      show(nearest(data.masses, at[0] * data.mass.factor), nearest(data.couplings, at[1] * data.coupling.factor));
    }
    return Boolean(at);
  }

  function layers() {
    const names = new Map(data.limits.map((limit) => [layer(limit), style(limit)]));
    if (data.bounds.length) names.set(BOUNDS, { stroke: "#7a7a7a", width: 1, dash: "" });
    for (const [name, look] of names) {
      const label = document.createElement("label"), box = document.createElement("input");
      const swatch = document.createElement("span");
      box.type = "checkbox";
      box.checked = true;
      box.addEventListener("change", () => { hidden[box.checked ? "delete" : "add"](name); draw(); });
      swatch.className = "swatch";
      const pattern = look.dash === "" ? "solid" : look.dash.startsWith("2") ? "dotted" : "dashed";
      swatch.style.borderTop = `${Math.max(2, look.width)}px ${pattern} ${look.stroke}`;
      label.append(box, swatch, name);
      document.getElementById("layers").appendChild(label);
    }
  }

  plane.addEventListener("pointermove", pointed);
  plane.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, place(event));
    try { plane.setPointerCapture(event.pointerId); } catch { /* of a script */ }
    follow(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    plane.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
  plane.addEventListener("dblclick", reset);
  plane.addEventListener("wheel", (event) => {
    const [fx, fy] = place(event);
    if (fx < 0 || fx > 1 || fy < 0 || fy > 1 || (event.deltaY > 0 && !zoomed())) return; // the page scrolls
    event.preventDefault();
    zoom(Math.exp(-Math.max(-240, Math.min(240, event.deltaY)) / 400), fx, fy);
    follow(event);
  }, { passive: false });
  for (const [name, act] of Object.entries({ in: () => zoom(1.5), out: () => zoom(1 / 1.5), whole: reset })) {
    document.getElementById(`zoom-${name}`).addEventListener("click", act);
  }
  plane.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: reset, Escape: reset }[event.key];
    if (act) {
      event.preventDefault();
      act();
      return;
    }
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step || !here) return;
    event.preventDefault();
    if (event.shiftKey) move(-step[0] / 5, step[1] / 5);
    else show(here.i + step[0], here.j + step[1]);
  });
  document.getElementById("interactive").hidden = false;
  layers();
  addEventListener("hashchange", fromAddress);
  new ResizeObserver(draw).observe(plane);
  draw();
  if (!fromAddress()) show(Math.floor(M / 2), Math.floor(D / 2));
})();
