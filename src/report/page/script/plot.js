// Pieces of figures: elements, scales, axes, marks, and what is told of the point that is pointed at or stepped to.

const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element. A text child is text, never markup; a function under `on...` is a listener. */
function html(name, attributes = {}, ...children) {
  return dress(document.createElement(name), attributes, children);
}

/** An SVG element, likewise. */
function svg(name, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, name), attributes, children);
}

function dress(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const ruler = document.createElement('canvas').getContext('2d');

/** `text` as far as it fits into `width` pixels of a figure. */
function cut(text, width) {
  ruler.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  if (ruler.measureText(text).width <= width) return text;
  const letters = Array.from(text);
  let [fits, over] = [1, letters.length];
  while (over - fits > 1) {
    const middle = (fits + over) >> 1;
    if (ruler.measureText(`${letters.slice(0, middle).join('')}…`).width <= width) fits = middle;
    else over = middle;
  }
  return `${letters.slice(0, fits).join('').trimEnd()}…`;
}

/** Round steps between `low` and `high`: 1, 2 or 5 times a power of ten. */
function niceTicks(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) ticks.push(k * step);
  return ticks;
}

/** From numbers to pixels; `map.ticks(most)` gives round places. A width of nothing is widened. */
function linear(values, from, to, { pad = 0.04 } = {}) {
  let [low, high] = extent(values);
  if (low === high) [low, high] = [low - (Math.abs(low) * 0.01 || 0.5), high + (Math.abs(high) * 0.01 || 0.5)];
  const margin = (high - low) * pad;
  [low, high] = [low - margin, high + margin];
  const map = (value) => from + ((value - low) / (high - low)) * (to - from);
  map.inverse = (pixel) => low + ((pixel - from) / (to - from)) * (high - low);
  map.ticks = (most) => niceTicks(low, high, most);
  map.format = short;
  return map;
}

function logarithmic(values, from, to) {
  const positive = values.filter((value) => value > 0);
  const inner = linear(positive.map(Math.log10), from, to);
  const map = (value) => inner(Math.log10(value));
  map.inverse = (pixel) => 10 ** inner.inverse(pixel);
  map.ticks = (most) => {
    const [low, high] = extent(positive).map(Math.log10);
    for (const factors of [[1, 2, 5], [1, 3], [1]]) {
      const ticks = [];
      for (let k = Math.floor(low) - 1; k <= Math.ceil(high); k += 1) ticks.push(...factors.map((f) => f * 10 ** k));
      const seen = ticks.filter((tick) => tick >= 10 ** low * 0.85 && tick <= 10 ** high * 1.18);
      if (seen.length <= most && seen.length > 1) return seen;
    }
    return [10 ** low, 10 ** high];
  };
  map.format = short;
  map.isLog = true;
  return map;
}

/** Logarithmic where the values are positive and spread over more than `ratio`. */
function fitting(values, from, to, ratio = 30) {
  const [low, high] = extent(values);
  return low > 0 && high / low > ratio ? logarithmic(values, from, to) : linear(values, from, to);
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

/** A drawing of a size in pixels, which paper and phone scale. */
function canvas(width, height, name) {
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': name });
}

/** Grid, ticks and names of both axes; `box` is the plot's left, top, right and bottom. */
function axes(into, { box, x, y, xName, yName, xTicks, yTicks }) {
  const [left, top, right, bottom] = box;
  const g = svg('g', { class: 'axes' });
  for (const tick of y.ticks(yTicks ?? 6)) {
    const at = y(tick);
    if (at < top - 1 || at > bottom + 1) continue;
    g.append(
      svg('line', { class: 'grid', x1: left, x2: right, y1: at, y2: at }),
      svg('text', { x: left - 8, y: at + 4, 'text-anchor': 'end' }, y.format(tick)),
    );
  }
  for (const tick of x.ticks(xTicks ?? Math.max(2, Math.floor((right - left) / 80)))) {
    const at = x(tick);
    if (at < left - 1 || at > right + 1) continue;
    g.append(
      svg('line', { class: 'grid', x1: at, x2: at, y1: top, y2: bottom }),
      svg('text', { x: at, y: bottom + 18, 'text-anchor': 'middle' }, x.format(tick)),
    );
  }
  g.append(
    svg('text', { class: 'name', x: right, y: bottom + 38, 'text-anchor': 'end' }, cut(xName, 0.88 * right)),
    svg('text', { class: 'name', x: 2, y: 14 }, cut(yName, 0.88 * right)),
  );
  into.append(g);
}

/** Path of a mark round a point: a `disc`, `square`, `diamond` or `triangle`, as in the images. */
function markPath(shape, x, y, r) {
  const [a, b] = [x.toFixed(1), y.toFixed(1)];
  if (shape === 'square') {
    const reach = 0.9 * r;
    return `M${(x - reach).toFixed(1)} ${(y - reach).toFixed(1)}h${2 * reach}v${2 * reach}h${-2 * reach}z`;
  }
  if (shape === 'diamond') {
    const reach = 1.3 * r;
    return `M${a} ${(y - reach).toFixed(1)}l${reach} ${reach}l${-reach} ${reach}l${-reach} ${-reach}z`;
  }
  if (shape === 'triangle') {
    const [reach, above] = [1.2 * r, 1.3 * r];
    return `M${a} ${(y - above).toFixed(1)}l${reach} ${2.1 * r}h${-2 * reach}z`;
  }
  return `M${(x - r).toFixed(1)} ${b}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
}

/** A line through points, broken where one is missing. */
function linePath(points) {
  let path = '';
  let isOpen = false;
  for (const point of points) {
    if (point === null) {
      isOpen = false;
    } else {
      path += `${isOpen ? 'L' : 'M'}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
      isOpen = true;
    }
  }
  return path;
}

const tip = html('div', { id: 'tip', role: 'status', hidden: true });

function showTip(lines, clientX, clientY) {
  tip.replaceChildren(...lines.map((line) => html('div', {}, line)));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const [right, bottom] = [document.documentElement.clientWidth, window.innerHeight];
  tip.style.left = `${Math.max(4, Math.min(clientX + 14, right - width - 4))}px`;
  tip.style.top = `${clientY + 18 + height > bottom ? Math.max(4, clientY - height - 12) : clientY + 18}px`;
}

function hideTip() {
  tip.hidden = true;
}

/**
 * Tells of the point nearest to the pointer, and of each in turn to whoever steps through them with the arrow keys.
 * `points` are `{x, y, lines}` in the drawing's pixels.
 */
function hover(drawing, points, { reach = 28 } = {}) {
  const ring = svg('circle', { class: 'ring', r: 8, visibility: 'hidden' });
  drawing.append(ring);
  let at = -1;
  const scale = () => drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
  const tell = (point) => {
    const box = drawing.getBoundingClientRect();
    dress(ring, { cx: point.x, cy: point.y, visibility: 'visible' }, []);
    showTip(point.lines, box.left + point.x * scale(), box.top + point.y * scale());
  };
  const leave = () => {
    ring.setAttribute('visibility', 'hidden');
    hideTip();
  };
  drawing.addEventListener('pointermove', (event) => {
    const box = drawing.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / scale(), (event.clientY - box.top) / scale()];
    let [nearest, distance] = [null, reach];
    for (const point of points) {
      const away = Math.hypot(point.x - x, point.y - y);
      if (away < distance) [nearest, distance] = [point, away];
    }
    if (nearest) tell(nearest);
    else leave();
  });
  drawing.addEventListener('pointerleave', leave);
  drawing.addEventListener('blur', leave);
  drawing.setAttribute('tabindex', '0');
  drawing.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === 'Escape') leave();
    if (!step || points.length === 0) return;
    event.preventDefault();
    at = (at + step + points.length) % points.length;
    tell(points[at]);
  });
}

/** A choice of one from several, with its name. `options` are (value, text). */
function choice(name, options, value, onchange) {
  const select = html('select', { onchange: () => onchange(select.value) });
  for (const [key, text] of options) {
    select.append(html('option', { value: key, selected: String(key) === String(value) }, text));
  }
  return html('label', { class: 'choice' }, `${name} `, select);
}

/** Signs and words below a figure. Entries are (class of the sign, word, shape of its mark or none for a line). */
function legend(entries) {
  const signs = entries.map(([name, word, shape]) => {
    const sign = svg('svg', { width: 26, height: 14, 'aria-hidden': 'true' });
    if (shape === undefined) sign.append(svg('path', { class: `line ${name}`, d: 'M2 7H24' }));
    else sign.append(svg('path', { class: `mark ${name}`, d: markPath(shape, 13, 7, 5) }));
    return html('li', {}, sign, word);
  });
  return html('ul', { class: 'legend' }, ...signs);
}

/**
 * Fills the part of the page called `id`: `draw(host, width)` puts a figure into `host`. Drawn again when the width
 * changes and when the reader chooses what it `follows`. What stood there without the script is hidden once it is drawn.
 */
function figure(id, follows, draw) {
  const section = document.getElementById(id);
  if (!section) return;
  const host = section.querySelector('.interactive');
  let width = 0;
  const redraw = () => {
    width = host.clientWidth;
    host.replaceChildren();
    draw(host, width, redraw);
  };
  try {
    section.classList.add('drawn');
    redraw();
  } catch (error) {
    section.classList.remove('drawn');
    host.replaceChildren();
    throw error;
  }
  new ResizeObserver(() => {
    if (Math.abs(host.clientWidth - width) > 8) redraw();
  }).observe(host);
  view.listeners.push((what) => {
    if (follows.includes(what)) redraw();
  });
}
