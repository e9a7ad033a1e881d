// The figures. Each is drawn from the numbers of the sweep into its part of the page, at the width that is there.

const BEST = 10;

/** The `most` best and the first of every kind that is not among them. */
function bestConfigs(most) {
  const best = ALL.slice(0, most);
  KINDS.forEach((_, kind) => {
    const first = D.configs.kind.indexOf(kind);
    if (first >= most) best.push(first);
  });
  return best;
}

const values = (config) => RUNS[config].map((run) => D.runs.value[run]);
const kindClass = (config) => `k${D.configs.kind[config]}`;

/** Kinds that some configuration is of. */
const kindsHere = () => KINDS.map((_, kind) => kind).filter((kind) => D.configs.kind.includes(kind));

// Best configurations: every seed a mark, the mean a bar, its interval a line.

function bestRuns(host, width) {
  const configs = bestConfigs(BEST);
  const row = 44;
  const [left, right, top] = [8, width - 10, 6];
  const bottom = top + configs.length * row;
  const ends = configs.flatMap((i) => [D.configs.low[i], D.configs.high[i]].filter(isNumber));
  const seen = configs.flatMap(values);
  // An interval of two seeds can be wider than all that was measured; it may leave the picture, the seeds may not.
  const [low, high] = extent(seen);
  const room = (high - low) * 1.5 || 0.01;
  const x = linear([...seen, ...ends.map((end) => Math.min(Math.max(end, low - room), high + room))], left + 4, right - 4);
  const drawing = canvas(width, bottom + 44, 'Best configurations and baselines, every seed a mark');
  const points = [];
  axes(drawing, {
    box: [left, top, right, bottom],
    x,
    y: Object.assign(() => 0, { ticks: () => [], format: String }),
    xName: D.objective.label,
    yName: '',
  });
  configs.forEach((config, place) => {
    const y = top + place * row + 30;
    const c = D.configs;
    drawing.append(svg('text', { class: 'row', x: left, y: y - 13 }, cut(ranked(config), right - left)));
    if (isNumber(c.low[config])) {
      const [a, b] = [c.low[config], c.high[config]].map((end) => Math.min(Math.max(x(end), left), right));
      drawing.append(svg('line', { class: `interval ${kindClass(config)}`, x1: a, x2: b, y1: y, y2: y }));
    }
    const at = x(c.mean[config]);
    drawing.append(svg('line', { class: 'mean', x1: at, x2: at, y1: y - 8, y2: y + 8 }));
    for (const run of RUNS[config]) {
      const px = x(D.runs.value[run]);
      drawing.append(svg('path', { class: `mark ${kindClass(config)}`, d: markPath(c.kind[config], px, y, 4.5) }));
      points.push({
        x: px,
        y,
        lines: [ranked(config), `seed ${D.runs.seed[run]}: ${score(D.runs.value[run])} at step ${D.runs.step[run] ?? '–'}`,
          `mean ${score(c.mean[config])}${isNumber(c.low[config]) ? `, 95% interval ${score(c.low[config])} to ${score(c.high[config])}` : ''}`],
      });
    }
  });
  hover(drawing, points);
  const kinds = kindsHere().map((kind) => [`k${kind}`, `a seed of a ${KINDS[kind]}`.replace('a XGB', 'an XGB'), kind]);
  const width95 = configs.some((config) => isNumber(D.configs.low[config])) ? [['interval', '95% interval of the mean (Student’s t)']] : [];
  host.append(drawing, legend([...kinds, ['mean', 'mean over seeds'], ...width95]));
}

// Time against quality.

let costBy = 'seconds';

function cost(host, width, redraw) {
  const column = D.configs[costBy];
  const configs = ALL.filter((i) => isNumber(column[i]) && column[i] > 0);
  const names = { seconds: 'Time a trial, mean over seeds (s)', parameters: 'Parameters' };
  const options = Object.entries({ seconds: 'Time a trial', parameters: 'Parameters' })
    .filter(([key]) => D.configs[key].some((value) => value > 0));
  host.append(html('div', { class: 'tools' }, choice('Across', options, costBy, (key) => { costBy = key; redraw(); })));
  if (configs.length === 0) {
    host.append(html('p', { class: 'note' }, 'No trial has recorded it.'));
    return;
  }
  const height = Math.min(440, Math.max(300, width * 0.55));
  const box = [58, 28, width - 14, height - 48];
  const x = fitting(configs.map((i) => column[i]), box[0] + 8, box[2] - 8, 12);
  const y = linear(configs.map((i) => D.configs.mean[i]), box[3], box[1]);
  const drawing = canvas(width, height, `${names[costBy]} against ${D.objective.label}`);
  axes(drawing, { box, x, y, xName: names[costBy] + (x.isLog ? ', logarithmic' : ''), yName: D.objective.label });
  // From the cheapest on, whatever is better than all that cost less.
  const front = [];
  for (const i of [...configs].sort((a, b) => column[a] - column[b] || a - b)) {
    if (front.length === 0 || isBetter(D.configs.mean[i], D.configs.mean[front.at(-1)])) front.push(i);
  }
  const corners = front.flatMap((i, place) => {
    const point = [x(column[i]), y(D.configs.mean[i])];
    return place === 0 ? [point] : [[point[0], y(D.configs.mean[front[place - 1]])], point];
  });
  const radius = configs.length > 400 ? 2.5 : 4.5;
  for (const isWanted of [false, true]) {
    for (const kind of kindsHere()) {
      const of = configs.filter((i) => D.configs.kind[i] === kind && view.isWanted[i] === isWanted);
      const d = of.map((i) => markPath(kind, x(column[i]), y(D.configs.mean[i]), radius)).join('');
      if (d) drawing.append(svg('path', { class: `mark many k${kind}${isWanted ? '' : ' faded'}${configs.length > 400 ? ' dense' : ''}`, d }));
    }
  }
  drawing.append(svg('path', { class: 'front', d: linePath([...corners, [box[2], corners.at(-1)[1]]]) }));
  hover(drawing, configs.filter((i) => view.isWanted[i]).map((i) => ({
    x: x(column[i]),
    y: y(D.configs.mean[i]),
    lines: [ranked(i), `${score(D.configs.mean[i])} in ${duration(D.configs.seconds[i])}`,
      `${(D.configs.parameters[i] ?? 0).toLocaleString('en-US')} parameters${front.includes(i) ? ', on the front' : ''}`],
  })));
  const kinds = kindsHere().map((kind) => [`k${kind}`, KINDS[kind], kind]);
  host.append(drawing, legend([...kinds, ['front', 'Pareto front: nothing is both cheaper and better']]),
    html('p', { class: 'note' }, `On the front: ${front.slice(-6).reverse().map((i) => `${ranked(i)} (${score(D.configs.mean[i])}, ${costBy === 'seconds'
      ? duration(column[i]) : column[i].toLocaleString('en-US')})`).join('; ')}${front.length > 6 ? `; and ${front.length - 6} cheaper` : ''}.`));
}

// Learning curves: mean over seeds, and the band that all seeds lie in.

const SERIES = 6;
let curveMetric = null;
let curveKind = null;

const hasCurve = (config) => RUNS[config].some((run) => D.curves[run]);

/** Configurations whose curves are shown: what the reader ticked, or the three best of the first kind that has some. */
function chosenForCurves() {
  if (view.chosen) return view.chosen;
  const kinds = kindsHere().filter((kind) => ALL.some((i) => D.configs.kind[i] === kind && hasCurve(i)));
  return kinds.flatMap((kind) => ALL.filter((i) => D.configs.kind[i] === kind && hasCurve(i)).slice(0, 3));
}

function curvePoints(run, metric) {
  const curve = D.curves[run]?.[metric];
  if (!curve) return [];
  return Array.isArray(curve[0]) ? curve[0].map((step, i) => [step, curve[1][i]]) : curve.map((value, i) => [i + 1, value]);
}

/** `{step, mean, low, high, n}` over the seeds that have the step. */
function band(config, metric) {
  const steps = new Map();
  for (const run of RUNS[config]) {
    for (const [step, value] of curvePoints(run, metric)) {
      if (!isNumber(value)) continue;
      if (!steps.has(step)) steps.set(step, []);
      steps.get(step).push(value);
    }
  }
  return [...steps].sort(([a], [b]) => a - b).map(([step, seen]) => {
    const [low, high] = extent(seen);
    return { step, mean: mean(seen), low, high, n: seen.length };
  });
}

function curves(host, width, redraw) {
  const chosen = chosenForCurves();
  const withCurve = chosen.filter(hasCurve);
  const kinds = kindsHere().filter((kind) => ALL.some((i) => D.configs.kind[i] === kind && hasCurve(i)));
  if (!kinds.includes(curveKind)) curveKind = kinds[0] ?? null;
  const ofKind = withCurve.filter((i) => D.configs.kind[i] === curveKind);
  const metrics = [...new Set(ALL.filter((i) => D.configs.kind[i] === curveKind).slice(0, 50)
    .flatMap((i) => RUNS[i].flatMap((run) => Object.keys(D.curves[run] ?? {}))))].sort();
  if (!metrics.includes(curveMetric)) curveMetric = metrics.includes(D.objective.name) ? D.objective.name : metrics[0];
  const addable = ALL.filter((i) => D.configs.kind[i] === curveKind && hasCurve(i) && !ofKind.includes(i)).slice(0, 200);
  const adder = choice('Add', [['', 'a configuration …'], ...addable.map((i) => [i, cut(ranked(i), 380)])], '', (i) => {
    view.chosen ??= [...chosen];
    if (i !== '') view.choose(Number(i), true);
  });
  host.append(html('div', { class: 'tools' },
    kinds.length > 1 ? choice('Of', kinds.map((kind) => [kind, KINDS[kind]]), curveKind, (kind) => { curveKind = Number(kind); redraw(); }) : null,
    choice('Metric', metrics.map((metric) => [metric, metric]), curveMetric, (metric) => { curveMetric = metric; redraw(); }),
    adder,
    html('button', { type: 'button', onclick: () => { view.chosen = null; view.tell('choice'); } }, 'The best again')));
  const drawn = ofKind.slice(0, 2 * SERIES).map((config) => ({ config, points: band(config, curveMetric) }))
    .filter(({ points }) => points.length > 0);
  if (drawn.length === 0) {
    host.append(html('p', { class: 'note' }, ofKind.length === 0 ? 'No configuration of this kind is ticked in the leaderboard.'
      : 'The record holds no such curve of what is ticked.'));
    return;
  }
  const height = Math.min(460, Math.max(300, width * 0.55));
  const box = [58, 28, width - 14, height - 48];
  const all = drawn.flatMap(({ points }) => points);
  const x = linear(all.map((point) => point.step), box[0] + 6, box[2] - 6, { pad: 0.01 });
  const rough = x.ticks;
  x.ticks = (most) => [...new Set(rough(most).map(Math.round))];
  const y = fitting(all.flatMap((point) => [point.low, point.high]), box[3], box[1], 300);
  const drawing = canvas(width, height, `Learning curves of ${curveMetric}`);
  axes(drawing, { box, x, y, xName: curveKind === 0 ? 'Epoch' : 'Round', yName: curveMetric + (y.isLog ? ', logarithmic' : '') });
  const dots = [];
  drawn.forEach(({ config, points }, place) => {
    const series = `s${place % SERIES}${place >= SERIES ? ' dashed' : ''}`;
    const at = (key) => points.map((point) => [x(point.step), y(point[key])]);
    drawing.append(svg('path', { class: `band ${series}`, d: `${linePath([...at('high'), ...at('low').reverse()])}z` }));
    drawing.append(svg('path', { class: `line ${series}`, d: linePath(at('mean')) }));
    for (const point of points) {
      dots.push({
        x: x(point.step),
        y: y(point.mean),
        lines: [ranked(config), `${curveKind === 0 ? 'epoch' : 'round'} ${point.step}: ${score(point.mean)}`,
          `${score(point.low)} to ${score(point.high)} over ${count(point.n, 'seed')}`],
      });
    }
  });
  hover(drawing, dots);
  const signs = legend(drawn.map(({ config }, place) => [`s${place % SERIES}${place >= SERIES ? ' dashed' : ''}`, cut(ranked(config), width - 80)]));
  const notes = ['Line: mean over seeds. Band: from the lowest to the highest seed.'];
  if (ofKind.length > drawn.length) notes.push(`${ofKind.length - drawn.length} more are ticked than can be told apart here.`);
  host.append(drawing, signs, html('p', { class: 'note' }, notes.join(' ')));
}

// All settings at once: each configuration a line through its values. What is brushed becomes a query.

const brush = new Map();
let parallelKind = null;
const ORDINAL = 12;
const SHADES = 8;

/** Settings of a kind as axes, the objective last. */
function parallelAxes(configs, kind, top, bottom) {
  // Where a configuration lacks a setting, its line runs below the axis.
  const missing = bottom + 14;
  const settings = varying(kind).map((param) => {
    const used = [...new Set(configs.map((i) => param.at[i]).filter((at) => at >= 0))];
    const numeric = used.every((at) => isNumber(param.values[at]));
    used.sort((a, b) => (numeric ? param.values[a] - param.values[b] : a - b));
    if (!numeric || used.length <= ORDINAL) {
      const step = (bottom - top) / Math.max(1, used.length);
      const at = (place) => (place < 0 ? missing : bottom - (used.indexOf(place) + 0.5) * step);
      return { key: param.key, isOrdinal: true, step, used, param, at: (i) => at(param.at[i]), place: (i) => param.at[i], spot: at };
    }
    const scale = fitting(used.map((at) => param.values[at]), bottom, top);
    const raw = (i) => param.values[param.at[i]];
    return { key: param.key, scale, raw, at: (i) => (param.at[i] < 0 ? missing : scale(raw(i))) };
  });
  const scale = linear(configs.map((i) => D.configs.mean[i]), bottom, top);
  return [...settings, { key: 'mean', isObjective: true, scale, raw: (i) => D.configs.mean[i], at: (i) => scale(D.configs.mean[i]) }];
}

const inBrush = (axis, config) => {
  const range = brush.get(axis.key);
  if (!range) return true;
  if (axis.isOrdinal) return range.has(axis.place(config));
  const raw = axis.raw(config);
  return raw >= range[0] && raw <= range[1];
};

function brushQuery(shown) {
  const parts = [];
  for (const axis of shown) {
    const range = brush.get(axis.key);
    if (!range) continue;
    if (axis.isOrdinal) parts.push(`${axis.key}=${[...range].map((at) => quoted(axis.param.shown[at])).join('|')}`);
    else parts.push(`${axis.key}>=${written(range[0])} ${axis.key}<=${written(range[1])}`);
  }
  return parts.join(' ');
}

/** A number between -1/2 and 1/2 that depends on the configuration alone, so that equal lines lie side by side. */
const jitter = (config) => (((config * 0.61803398875) % 1) - 0.5);

function parallel(host, width, redraw) {
  const kinds = kindsHere().filter((kind) => varying(kind).length > 0);
  if (!kinds.includes(parallelKind)) parallelKind = kinds[0];
  const configs = ALL.filter((i) => D.configs.kind[i] === parallelKind);
  const [top, bottom, height] = [44, 344, 372];
  const shown = parallelAxes(configs, parallelKind, top, bottom);
  const [left, right] = [64, 64];
  // On a narrow screen the axes keep their distance, and the figure is scrolled.
  const total = Math.max(width, left + right + (shown.length - 1) * 96);
  const x = (place) => left + (place / Math.max(1, shown.length - 1)) * (total - left - right);
  const dense = configs.length > 500 ? ' dense' : '';
  const drawing = canvas(total, height, 'Every configuration as a line through its settings and its score');
  drawing.setAttribute('role', 'group');
  const lines = svg('g', {});
  drawing.append(lines);
  const text = html('code', { class: 'brushed' });
  const use = html('button', { type: 'button', onclick: () => view.ask(brushQuery(shown)) }, 'Filter by it');
  const clear = html('button', { type: 'button', onclick: () => { brush.clear(); redraw(); } }, 'Clear');
  const height01 = new Map(shown.map((axis) => [axis.key, (i) => {
    if (!axis.isOrdinal || axis.place(i) < 0) return axis.at(i);
    return axis.at(i) + jitter(i) * Math.min(axis.step * 0.5, 40);
  }]));

  function drawLines() {
    const inside = configs.filter((i) => view.isWanted[i] && shown.every((axis) => inBrush(axis, i)));
    const isInside = new Set(inside);
    const path = (i) => linePath(shown.map((axis, place) => [x(place), height01.get(axis.key)(i)]));
    const outside = configs.filter((i) => !isInside.has(i));
    lines.replaceChildren(svg('path', { class: `thread out${dense}`, d: outside.map(path).join('') }));
    // Ranks go from best to worst: shades by place, the best on top.
    for (let shade = 0; shade < SHADES; shade += 1) {
      const from = Math.floor((configs.length * (SHADES - 1 - shade)) / SHADES);
      const to = Math.floor((configs.length * (SHADES - shade)) / SHADES);
      const part = configs.slice(from, to).filter((i) => isInside.has(i));
      lines.append(svg('path', { class: `thread${dense}`, style: `--t:${shade / (SHADES - 1)}`, d: part.map(path).join('') }));
    }
    const query = brushQuery(shown);
    text.textContent = query || 'nothing yet';
    use.disabled = clear.disabled = query === '';
    told.textContent = `${inside.length.toLocaleString('en-US')} of ${count(configs.length, 'configuration')}`
      + (inside.length ? `, the best ${score(D.configs.mean[inside[0]])}` : '');
  }
  const told = html('span', { class: 'told', role: 'status' });

  shown.forEach((axis, place) => drawing.append(axisOf(axis, x(place), { top, bottom, drawLines, drawing, redraw, reach: (total - left - right) / Math.max(1, shown.length - 1) })));
  host.append(
    html('div', { class: 'tools' },
      kinds.length > 1 ? choice('Of', kinds.map((kind) => [kind, KINDS[kind]]), parallelKind, (kind) => {
        parallelKind = Number(kind);
        brush.clear();
        redraw();
      }) : null,
      told),
    html('div', { class: 'wide', tabindex: total > width ? '0' : null }, drawing),
    html('p', { class: 'tools' }, html('span', {}, 'Brushed: '), text, use, clear),
    html('p', { class: 'note' }, 'Drag along an axis, or click its values, to keep what passes there. With the keyboard: Tab to a value and press '
      + 'Enter; on an axis of numbers the arrow keys move its two ends. Stronger lines rank higher; lines through one value lie side by side.'),
  );
  drawLines();
}

/** One axis with its values, its brush, and what pointer and keyboard do to it. */
function axisOf(axis, x, { top, bottom, drawLines, drawing, redraw, reach }) {
  const g = svg('g', { class: 'axis' });
  const name = axis.isObjective ? D.objective.name : axis.key;
  g.append(svg('text', { class: 'name', x, y: 16, 'text-anchor': 'middle' }, cut(name, Math.max(88, reach) - 6)));
  g.append(svg('line', { class: 'stem', x1: x, x2: x, y1: top, y2: bottom }));
  const block = svg('rect', { class: 'brush', x: x - 9, width: 18, visibility: 'hidden' });
  const strip = svg('rect', { class: 'strip', x: x - 14, y: top, width: 28, height: bottom - top });
  g.append(block, strip);
  const set = (range) => {
    if (range) brush.set(axis.key, range);
    else brush.delete(axis.key);
    refresh();
    drawLines();
  };
  const handles = [];
  function refresh() {
    const range = brush.get(axis.key);
    if (axis.isOrdinal) {
      g.querySelectorAll('[role=checkbox]').forEach((item) => {
        const isOn = Boolean(range?.has(Number(item.dataset.at)));
        item.setAttribute('aria-checked', isOn);
        item.classList.toggle('on', isOn);
      });
      return;
    }
    const [low, high] = range ?? [axis.scale.inverse(bottom), axis.scale.inverse(top)];
    const [y1, y2] = [axis.scale(high), axis.scale(low)];
    dress(block, { y: y1, height: Math.max(1, y2 - y1), visibility: range ? 'visible' : 'hidden' }, []);
    handles.forEach((handle, end) => {
      const at = end === 0 ? y2 : y1;
      handle.setAttribute('transform', `translate(${x} ${at})`);
      handle.setAttribute('aria-valuenow', short(end === 0 ? low : high));
    });
  }
  if (axis.isOrdinal) {
    for (const at of axis.used) {
      const toggle = () => {
        const range = new Set(brush.get(axis.key) ?? []);
        if (!range.delete(at)) range.add(at);
        set(range.size ? range : null);
      };
      g.append(svg('g', {
        class: 'value',
        role: 'checkbox',
        tabindex: '0',
        'data-at': at,
        'aria-label': `${axis.key}=${axis.param.shown[at]}`,
        onclick: toggle,
        onkeydown: (event) => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          toggle();
        },
      }, axis.step < 15 ? '' : svg('text', { x, y: axis.spot(at) + 4, 'text-anchor': 'middle' }, cut(axis.param.shown[at], Math.max(80, reach - 10)))));
    }
  } else {
    for (const tick of axis.scale.ticks(6)) {
      g.append(svg('text', { class: 'tick', x: x + (axis.isObjective ? 8 : -8), y: axis.scale(tick) + 4, 'text-anchor': axis.isObjective ? 'start' : 'end' },
        axis.scale.format(tick)));
    }
    const move = (end, step) => {
      const range = [...(brush.get(axis.key) ?? [axis.scale.inverse(bottom), axis.scale.inverse(top)])];
      const pixel = axis.scale(range[end]) + step;
      range[end] = axis.scale.inverse(Math.min(bottom, Math.max(top, pixel)));
      if (range[0] <= range[1]) set(range);
    };
    ['lowest', 'highest'].forEach((word, end) => {
      const handle = svg('path', {
        class: 'handle',
        d: end === 0 ? 'M-9 0h18l-9 8z' : 'M-9 0h18l-9 -8z',
        role: 'slider',
        tabindex: '0',
        'aria-label': `${word} ${name}`,
        'aria-orientation': 'vertical',
        onkeydown: (event) => {
          const step = { ArrowUp: -6, ArrowDown: 6, PageUp: -40, PageDown: 40 }[event.key];
          if (event.key === 'Escape') set(null);
          if (!step) return;
          event.preventDefault();
          move(end, step);
        },
      });
      handles.push(handle);
      g.append(handle);
    });
  }
  strip.addEventListener('pointerdown', (event) => {
    strip.setPointerCapture(event.pointerId);
    const scale = drawing.getBoundingClientRect().height / drawing.viewBox.baseVal.height;
    const at = (moved) => (moved.clientY - drawing.getBoundingClientRect().top) / scale;
    const from = at(event);
    const onmove = (moved) => {
      const [y1, y2] = [Math.min(from, at(moved)), Math.max(from, at(moved))];
      if (y2 - y1 < 3) return;
      if (axis.isOrdinal) {
        const range = new Set(axis.used.filter((value) => {
          const spot = axis.spot(value);
          return spot + axis.step / 2 > y1 && spot - axis.step / 2 < y2;
        }));
        set(range.size && range.size < axis.used.length ? range : null);
      } else {
        set([axis.scale.inverse(Math.min(bottom, y2)), axis.scale.inverse(Math.max(top, y1))]);
      }
    };
    const onup = (moved) => {
      strip.removeEventListener('pointermove', onmove);
      // A click without a drag takes the brush away.
      if (Math.abs(at(moved) - from) < 3) set(null);
    };
    strip.addEventListener('pointermove', onmove);
    strip.addEventListener('pointerup', onup, { once: true });
  });
  strip.addEventListener('dblclick', redraw);
  refresh();
  return g;
}

// Effects of settings, one by one and two at a time, among the configurations of one kind.

let effectKind = null;
const kindsWithAxes = () => kindsHere().filter((kind) => varying(kind).length > 0);

/**
 * Values of a setting that occur, in order, with the configurations that have them. More than `LEVELS` numbers are put
 * together in eighths; of more than `LEVELS` words the most frequent stay.
 */
const LEVELS = 12;

function levels(param, configs) {
  const all = everyLevel(param, configs);
  if (all.length <= LEVELS) return all;
  if (!all.every((level) => isNumber(level.value))) {
    return [...all].sort((a, b) => b.configs.length - a.configs.length).slice(0, LEVELS);
  }
  const total = all.reduce((sum, level) => sum + level.configs.length, 0);
  const bins = [];
  let seen = 0;
  for (const level of all) {
    const place = Math.min(7, Math.floor((8 * seen) / total));
    bins[place] ??= { from: level, configs: [] };
    bins[place].to = level;
    bins[place].configs.push(...level.configs);
    seen += level.configs.length;
  }
  return bins.filter(Boolean).map(({ from, to, configs: of }) => ({ name: from === to ? from.name : `${from.name} – ${to.name}`, configs: of.sort((a, b) => a - b) }));
}

function everyLevel(param, configs) {
  const groups = new Map();
  for (const config of configs) {
    const at = param.at[config];
    if (at < 0) continue;
    if (!groups.has(at)) groups.set(at, []);
    groups.get(at).push(config);
  }
  const numeric = [...groups.keys()].every((at) => isNumber(param.values[at]));
  return [...groups].sort(([a], [b]) => (numeric ? param.values[a] - param.values[b] : a - b))
    .map(([at, of]) => ({ value: param.values[at], name: param.shown[at], configs: of }));
}

const wantedOf = (kind) => view.wanted.filter((i) => D.configs.kind[i] === kind);

function effects(host, width, redraw) {
  const kinds = kindsWithAxes();
  if (!kinds.includes(effectKind)) effectKind = kinds[0] ?? null;
  const configs = effectKind === null ? [] : wantedOf(effectKind);
  const tools = kinds.length > 1
    ? html('div', { class: 'tools' }, choice('Of', kinds.map((kind) => [kind, KINDS[kind]]), effectKind, (kind) => { effectKind = Number(kind); view.tell('kind'); }))
    : null;
  if (tools) host.append(tools);
  const params = effectKind === null ? [] : varying(effectKind);
  if (configs.length === 0 || params.length === 0) {
    host.append(html('p', { class: 'note' }, 'No configuration is left to compare.'));
    return;
  }
  const y = linear(configs.map((i) => D.configs.mean[i]), 190, 12);
  const grid = html('div', { class: 'panels' });
  let hasInterval = false;
  for (const param of params) {
    const groups = levels(param, configs);
    const panel = Math.min(width, Math.max(280, 84 + (groups.some((group) => group.name.length > 12) ? 120 : 74) * groups.length));
    const box = [58, 12, panel - 8, 190];
    const drawing = canvas(panel, 224, `Effect of ${param.key}`);
    const step = (box[2] - box[0]) / groups.length;
    const x = Object.assign((place) => box[0] + (place + 0.5) * step, { ticks: () => [], format: String });
    axes(drawing, { box, x, y, xName: '', yName: '', yTicks: 5 });
    const points = [];
    const intervals = intervalsOf(param, groups);
    groups.forEach((group, place) => {
      const d = group.configs.map((i) => markPath(0, x(place) + jitter(i) * Math.min(step * 0.5, 40), y(D.configs.mean[i]), group.configs.length > 60 ? 1.8 : 3)).join('');
      drawing.append(svg('path', { class: `mark many k${effectKind}`, d }));
      const middle = mean(group.configs.map((i) => D.configs.mean[i]));
      const best = group.configs.reduce((a, b) => (isBetter(D.configs.mean[b], D.configs.mean[a]) ? b : a));
      drawing.append(svg('line', { class: 'mean', x1: x(place) - step * 0.32, x2: x(place) + step * 0.32, y1: y(middle), y2: y(middle) }));
      drawing.append(svg('text', { x: x(place), y: box[3] + 18, 'text-anchor': 'middle' }, cut(group.name, step - 4)));
      const [low, high] = intervals?.[place] ?? [null, null];
      if (isNumber(low)) {
        hasInterval = true;
        drawing.append(svg('line', { class: 'mean', x1: x(place), x2: x(place), y1: y(low), y2: y(high) }));
      }
      points.push({
        x: x(place),
        y: y(middle),
        lines: [`${param.key}=${group.name}`, `mean ${score(middle)} over ${count(group.configs.length, 'configuration')}`,
          ...(isNumber(low) ? [`95% interval ${score(low)} to ${score(high)} for other seeds`] : []), `best ${score(D.configs.mean[best])}: ${ranked(best)}`],
      });
    });
    hover(drawing, points, { reach: 60 });
    grid.append(html('figure', {}, html('figcaption', { class: 'head' }, param.key), drawing));
  }
  host.append(grid, legend([[`k${effectKind}`, 'one configuration', 0], ['mean', hasInterval ? 'mean of the configurations, 95% interval for other seeds' : 'mean of the configurations']]),
    html('p', { class: 'note' }, `${D.objective.label}. Each panel pools all other settings; it follows the filter. With a full grid the means of a panel differ by its setting alone.`));
}

/** Intervals of the marginal means, where the analysis of variance has them and nothing is filtered out. */
function intervalsOf(param, groups) {
  if (effectKind !== 0 || view.wanted.length < CONFIGS || !D.anova) return null;
  const factor = D.anova.factors.find((one) => one.name === param.key);
  if (!factor || factor.levels.length !== groups.length) return null;
  return groups.map((group) => {
    const level = factor.levels.find((one) => one.name === group.name);
    return level ? [level.low, level.high] : null;
  });
}

// Which settings matter: shares of the variance over configurations.

const SHARES = 15;

function importance(host, width) {
  const shares = D.anova.shares.filter(({ share }) => share >= 0.0005).slice(0, SHARES);
  if (shares.length === 0) throw new Error('nothing to draw');
  const [row, left, right] = [26, Math.min(260, width * 0.42), width - 60];
  const top = Math.max(...shares.map(({ share, chance }) => Math.max(share, chance ?? 0)));
  const x = (share) => left + (share / top) * (right - left);
  const drawing = canvas(width, shares.length * row + 6, 'Share of the variance that each setting explains');
  const points = [];
  let hasChance = false;
  shares.forEach(({ name, share, chance, p, isPair }, place) => {
    const y = place * row;
    drawing.append(
      svg('text', { x: left - 8, y: y + 17, 'text-anchor': 'end' }, cut(name, left - 10)),
      svg('rect', { class: `bar ${isPair ? 's4' : 's0'}`, x: left, y: y + 4, width: Math.max(0.5, x(share) - left), height: row - 8 }),
      svg('text', { x: x(share) + 6, y: y + 17 }, `${(100 * share).toFixed(1)}%`),
    );
    if (isNumber(chance)) {
      hasChance = true;
      drawing.append(svg('line', { class: 'mean', x1: x(chance), x2: x(chance), y1: y + 2, y2: y + row - 2 }));
    }
    points.push({ x: x(share), y: y + row / 2, lines: [name, `${(100 * share).toFixed(2)}% of the variance`,
      ...(isNumber(chance) ? [`${(100 * chance).toFixed(2)}% by chance of seeds`] : []), ...(isNumber(p) ? [p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`] : [])] });
  });
  hover(drawing, points, { reach: 400 });
  const signs = [['bar s0', 'one setting', 1]];
  if (shares.some(({ isPair }) => isPair)) signs.push(['bar s4', 'two together, beyond each alone', 1]);
  if (hasChance) signs.push(['mean', 'what seeds alone would give on average']);
  host.append(drawing, legend(signs));
}

let pair = [null, null];

function interactions(host, width, redraw) {
  const kinds = kindsWithAxes().filter((kind) => varying(kind).length > 1);
  const kind = kinds.includes(effectKind) ? effectKind : kinds[0];
  if (kind === undefined) {
    host.append(html('p', { class: 'note' }, 'Fewer than two settings vary.'));
    return;
  }
  const params = varying(kind);
  const keys = params.map((param) => param.key);
  if (!pair.every((key) => keys.includes(key))) pair = [keys[0], keys[1]];
  const [down, across] = pair.map((key) => params.find((param) => param.key === key));
  const options = keys.map((key) => [key, key]);
  host.append(html('div', { class: 'tools' },
    choice('Down', options, pair[0], (key) => { pair = [key, key === pair[1] ? pair[0] : pair[1]]; redraw(); }),
    choice('Across', options, pair[1], (key) => { pair = [key === pair[0] ? pair[1] : pair[0], key]; redraw(); })));
  const configs = wantedOf(kind);
  const [rows, cells] = [levels(down, configs), levels(across, configs)];
  const inCell = new Map(cells.flatMap((cell) => cell.configs.map((i) => [i, cell])));
  const means = rows.map((row) => cells.map((cell) => {
    const both = row.configs.filter((i) => inCell.get(i) === cell);
    return both.length ? { mean: mean(both.map((i) => D.configs.mean[i])), n: both.length } : null;
  }));
  const seen = means.flat().filter(Boolean).map((cell) => cell.mean);
  const [low, high] = extent(seen);
  const share = (value) => (high > low ? (D.objective.max ? value - low : high - value) / (high - low) : 0.5);
  const head = html('tr', {}, html('th', { class: 'text' }, `${down.key} ↓ ${across.key} →`), ...cells.map((cell) => html('th', { scope: 'col' }, cell.name)));
  const body = rows.map((row, r) => html('tr', {}, html('th', { scope: 'row', class: 'text' }, row.name), ...means[r].map((cell) => (cell
    ? html('td', { class: 'heat', style: `--t:${share(cell.mean).toFixed(3)}`, title: count(cell.n, 'configuration') }, score(cell.mean))
    : html('td', {}, '–')))));
  host.append(html('div', { class: 'wide' }, html('table', { class: 'cells' }, html('thead', {}, head), html('tbody', {}, ...body))),
    html('p', { class: 'note' }, `Mean ${D.objective.label} of the configurations with both values, all other settings pooled; stronger is better. `
      + 'Where rows rise and fall alike, the two settings do not depend on each other.'));
}

// Confusion, and what it means for each class.

let confusionOf = null;
let asShare = true;

function confusion(host, width, redraw) {
  const known = Object.keys(D.confusion).map(Number).sort((a, b) => a - b);
  if (known.length === 0) throw new Error('nothing to draw');
  if (!known.includes(confusionOf)) confusionOf = known[0];
  const matrix = D.confusion[confusionOf];
  const tick = html('input', { type: 'checkbox', checked: asShare, onchange: () => { asShare = tick.checked; redraw(); } });
  host.append(html('div', { class: 'tools' },
    choice('Of', known.map((i) => [i, cut(ranked(i), 420)]), confusionOf, (i) => { confusionOf = Number(i); redraw(); }),
    html('label', { class: 'choice' }, tick, ' as a share of each actual class')));
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const rows = matrix.map(sum);
  const columns = matrix.map((_, j) => sum(matrix.map((row) => row[j])));
  const largest = Math.max(1, ...matrix.flat());
  const percent = (part, whole) => (whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : '–');
  const head = html('tr', {}, html('th', { class: 'text' }, 'actual ↓ named →'), ...D.classes.map((name) => html('th', { scope: 'col' }, name)), html('th', {}, 'rows'));
  const body = matrix.map((row, i) => html('tr', {}, html('th', { scope: 'row', class: 'text' }, D.classes[i]),
    ...row.map((cell, j) => html('td', {
      class: `heat${i === j ? ' right' : ''}`,
      style: `--t:${(asShare ? (rows[i] ? cell / rows[i] : 0) : cell / largest).toFixed(3)}`,
      title: `${D.classes[i]} named ${D.classes[j]}: ${cell.toLocaleString('en-US')} of ${rows[i].toLocaleString('en-US')}`,
    }, asShare ? percent(cell, rows[i]) : cell.toLocaleString('en-US'))),
    html('td', {}, rows[i].toLocaleString('en-US'))));
  const measures = matrix.map((row, i) => {
    const [precision, recall] = [columns[i] ? row[i] / columns[i] : null, rows[i] ? row[i] / rows[i] : null];
    const f1 = rows[i] + columns[i] ? (2 * row[i]) / (rows[i] + columns[i]) : null;
    return { name: D.classes[i], precision, recall, f1, rows: rows[i] };
  });
  const share = (value) => (value === null ? '–' : value.toFixed(3));
  const over = (key) => mean(measures.map((one) => one[key] ?? 0));
  const lines = [...measures.map((one) => [one.name, share(one.precision), share(one.recall), share(one.f1), one.rows.toLocaleString('en-US')]),
    ['mean of classes', share(over('precision')), share(over('recall')), share(over('f1')), sum(rows).toLocaleString('en-US')]];
  host.append(
    html('div', { class: 'wide' }, html('table', { class: 'cells' }, html('thead', {}, head), html('tbody', {}, ...body))),
    html('p', { class: 'note' }, `Validation rows at the best step${RUNS[confusionOf].length > 1 ? `, those of ${RUNS[confusionOf].length} seeds added` : ''}. ${percent(sum(matrix.map((row, i) => row[i])), sum(rows))} of them are named right.`),
    html('div', { class: 'wide' }, html('table', { class: 'measures' },
      html('thead', {}, html('tr', {}, ...['Class', 'Precision', 'Recall', 'F1', 'Rows'].map((name, i) => html('th', { scope: 'col', class: i ? '' : 'text' }, name)))),
      html('tbody', {}, ...lines.map((line, i) => html('tr', { class: i === lines.length - 1 ? 'total' : '' }, ...line.map((cell, j) => html('td', { class: j ? '' : 'text' }, cell))))))),
    html('p', { class: 'note' }, 'Precision: of the rows that were named so, the share that are. Recall: of the rows that are, the share that were named so. F1: their harmonic mean.'),
  );
}

// What tree models used.

function features(host, width) {
  if (D.features.length === 0) throw new Error('nothing to draw');
  const grid = html('div', { class: 'panels' });
  for (const [config, shares] of D.features) {
    const panel = Math.min(width, 500);
    const [row, left] = [22, Math.min(190, panel * 0.45)];
    const x = (share) => left + (share / shares[0][1]) * (panel - left - 56);
    const drawing = canvas(panel, shares.length * row + 4, `What ${title(config)} used`);
    shares.forEach(([name, share], place) => drawing.append(
      svg('text', { x: left - 8, y: place * row + 15, 'text-anchor': 'end' }, cut(name, left - 10)),
      svg('rect', { class: `bar ${kindClass(config)}`, x: left, y: place * row + 3, width: Math.max(0.5, x(share) - left), height: row - 6 }),
      svg('text', { x: x(share) + 6, y: place * row + 15 }, `${(100 * share).toFixed(1)}%`),
    ));
    hover(drawing, shares.map(([name, share], place) => ({ x: x(share), y: place * row + 11, lines: [name, `${(100 * share).toFixed(2)}% of what all splits gained`] })), { reach: 400 });
    grid.append(html('figure', {}, html('figcaption', {}, cut(ranked(config), panel)), drawing));
  }
  host.append(grid, html('p', { class: 'note' }, 'Share of what all splits on a feature gained, mean over the seeds of the best configuration of each kind. '
    + 'It says what a model used, not what causes what; features that go together share it.'));
}

// Score over the number of training rows.

function growth(host, width) {
  if (D.growth.length === 0) throw new Error('nothing to draw');
  const height = Math.min(420, Math.max(300, width * 0.5));
  const box = [58, 28, width - 14, height - 48];
  const all = D.growth.flatMap(([, points]) => points);
  const x = fitting(all.map(([rows]) => rows), box[0] + 14, box[2] - 24, 4);
  const y = linear(all.flatMap(([, , low, high]) => [low, high]), box[3], box[1]);
  const drawing = canvas(width, height, 'Score over the number of training rows');
  axes(drawing, { box, x, y, xName: `Training rows${x.isLog ? ', logarithmic' : ''}`, yName: D.objective.label });
  const dots = [];
  for (const [config, points] of D.growth) {
    const kind = kindClass(config);
    drawing.append(svg('path', { class: `line ${kind}`, d: linePath(points.map(([rows, middle]) => [x(rows), y(middle)])) }));
    for (const [rows, middle, low, high, seeds] of points) {
      drawing.append(svg('line', { class: `interval ${kind}`, x1: x(rows), x2: x(rows), y1: y(low), y2: y(high) }));
      drawing.append(svg('path', { class: `mark ${kind}`, d: markPath(D.configs.kind[config], x(rows), y(middle), 4.5) }));
      dots.push({ x: x(rows), y: y(middle), lines: [ranked(config), `${Math.round(rows).toLocaleString('en-US')} rows: ${score(middle)}`, `${score(low)} to ${score(high)} over ${count(seeds, 'seed')}`] });
    }
  }
  hover(drawing, dots);
  host.append(drawing, legend(D.growth.map(([config]) => [kindClass(config), cut(ranked(config), width - 60), D.configs.kind[config]])),
    html('p', { class: 'note' }, 'The best configuration of each kind, trained on shares of the rows too; the validation rows are the same throughout. Bars reach from the '
      + 'lowest to the highest seed. Where a line still rises at its end, more data would help.'));
}

// Calibration: what is claimed against what is right.

function calibration(host, width) {
  if (D.calibration.length === 0) throw new Error('nothing to draw');
  const size = Math.min(width, 460);
  const box = [58, 28, size - 14, size - 48];
  const unit = (from, to) => linear([0, 1], from, to, { pad: 0 });
  const [x, y] = [unit(box[0], box[2]), unit(box[3], box[1])];
  const drawing = canvas(size, size, 'Reliability diagram');
  axes(drawing, { box, x, y, xName: 'Probability of the class that is named', yName: 'Share right', xTicks: 5, yTicks: 5 });
  drawing.append(svg('line', { class: 'ideal', x1: x(0), y1: y(0), x2: x(1), y2: y(1) }));
  const points = [];
  for (const one of D.calibration) {
    const most = Math.max(...one.bins.map(([n]) => n));
    const kind = D.configs.kind[one.config];
    drawing.append(svg('path', { class: `line ${kindClass(one.config)}`, d: linePath(one.bins.map(([, claimed, right]) => [x(claimed), y(right)])) }));
    for (const [n, claimed, right] of one.bins) {
      drawing.append(svg('path', { class: `mark ${kindClass(one.config)}`, d: markPath(kind, x(claimed), y(right), 2 + 5 * Math.sqrt(n / most)) }));
      points.push({ x: x(claimed), y: y(right), lines: [ranked(one.config), `claims ${(100 * claimed).toFixed(1)}%, right ${(100 * right).toFixed(1)}%`, count(n, 'prediction')] });
    }
  }
  hover(drawing, points);
  host.append(drawing, legend([...D.calibration.map((one) => [kindClass(one.config), `${cut(ranked(one.config), width - 160)}: ECE ${(100 * one.ece).toFixed(1)}%`, D.configs.kind[one.config]]),
    ['ideal', 'claims what it keeps']]), html('p', { class: 'note' }, 'Below the line the models claim more than they keep. Larger marks stand for more predictions.'));
}

// When each slot worked: the sessions one after another, the time between them left out.

const LANE = 26;

function timeline(host, width) {
  const t = D.timeline;
  if (t.attempts.length === 0) throw new Error('nothing to draw');
  const used = t.sessions.map((session, place) => ({ session, place })).filter(({ place }) => t.attempts.some(([of]) => of === place));
  const total = used.reduce((sum, { session }) => sum + Math.max(session[1], 1), 0);
  const left = Math.min(96, 14 + 7.2 * Math.max(...t.slots.map((slot) => slot.length)));
  const [right, top, gap] = [width - 10, 30, used.length > 1 ? 6 : 0];
  const scale = (right - left - gap * (used.length - 1)) / total;
  const begin = new Map();
  let at = left;
  for (const { session, place } of used) {
    begin.set(place, at);
    at += Math.max(session[1], 1) * scale + gap;
  }
  const bottom = top + t.slots.length * LANE;
  const drawing = canvas(width, bottom + 46, 'What each slot worked on, over time');
  t.slots.forEach((slot, place) => drawing.append(
    svg('text', { x: left - 8, y: top + place * LANE + 17, 'text-anchor': 'end' }, slot),
    svg('line', { class: 'grid', x1: left, x2: right, y1: top + (place + 1) * LANE, y2: top + (place + 1) * LANE }),
  ));
  const labelled = used.filter(({ session }) => session[1] * scale > 112 || used.length === 1);
  for (const { session, place } of labelled) {
    drawing.append(svg('text', { class: 'name', x: begin.get(place), y: 14 }, `${session[0]} UTC`));
  }
  for (const { session, place } of used) {
    const ticks = timeTicks(session[1] / 1000, Math.max(1, Math.floor((session[1] * scale) / 90)));
    for (const tick of session[1] * scale > 60 ? ticks : []) {
      const x = begin.get(place) + tick * 1000 * scale;
      // The end of a session leaves room for the beginning of the next.
      if (used.at(-1).place !== place && x > begin.get(place) + session[1] * scale - 48) continue;
      drawing.append(svg('line', { class: 'grid', x1: x, x2: x, y1: top, y2: bottom }),
        svg('text', { x, y: bottom + 18, 'text-anchor': tick === 0 ? 'start' : x > right - 40 ? 'end' : 'middle' }, tick === 0 ? '0' : duration(tick)));
    }
  }
  const bars = new Map();
  const points = [];
  for (const [session, slot, start, ms, outcome, trial, said] of t.attempts) {
    if (!begin.has(session)) continue;
    const x = begin.get(session) + start * scale;
    const long = Math.max(ms * scale - 0.5, 0.7);
    const y = top + slot * LANE + 4;
    bars.set(outcome, `${bars.get(outcome) ?? ''}M${x.toFixed(1)} ${y}h${long.toFixed(2)}v${LANE - 8}h${(-long).toFixed(2)}z`);
    points.push({ x: x + long / 2, y: y + (LANE - 8) / 2, lines: [`trial ${trial}: ${t.outcomes[outcome].replace(/_/g, ' ')}`, duration(ms / 1000), ...(said ? [said] : [])] });
  }
  for (const [outcome, d] of bars) drawing.append(svg('path', { class: `bar ${outcomeClass(t.outcomes[outcome])}`, d }));
  for (const [session, slot, when, what, message] of t.events) {
    if (!begin.has(session)) continue;
    const [x, y] = [begin.get(session) + when * scale, top + slot * LANE];
    drawing.append(svg('path', { class: 'event', d: `M${x - 5} ${y + 2}l10 ${LANE - 4}m0 ${4 - LANE}l-10 ${LANE - 4}` }));
    points.push({ x, y: y + LANE / 2, lines: [`${t.slots[slot]} ${what.replace(/_/g, ' ')}`, ...(message ? [message] : [])] });
  }
  hover(drawing, points, { reach: 16 });
  const busy = t.attempts.reduce((sum, attempt) => sum + attempt[3], 0) / (total * t.slots.length);
  const kinds = [...new Set(t.outcomes.map(outcomeClass))];
  const words = { good: 'finished', odd: 'diverged', bad: 'failed', cut: 'interrupted or running' };
  host.append(drawing, legend([...kinds.map((kind) => [`bar ${kind}`, words[kind], 1]), ...(t.events.length ? [['event', 'slot retired']] : [])]),
    html('p', { class: 'note' }, `${count(t.attempts.length, 'attempt')} in ${count(used.length, 'session')}; slots were at work ${(100 * busy).toFixed(0)}% of the time. Time between sessions is left out.`));
}

/** Round places from 0 to so many seconds, as clocks are read. */
function timeTicks(seconds, most) {
  const round = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const step = round.find((size) => seconds / size <= most) ?? 86400 * Math.ceil(seconds / 86400 / most);
  return seconds < 5 ? niceTicks(0, seconds, most) : Array.from({ length: Math.floor(seconds / step) + 1 }, (_, k) => k * step);
}

function outcomeClass(outcome) {
  if (outcome === 'finished') return 'good';
  if (outcome === 'diverged') return 'odd';
  return outcome === 'interrupted' || outcome === 'running' ? 'cut' : 'bad';
}
