// Each figure is drawn from the numbers of the sweep into its section, at the available width.

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

const HAS_FOLDS = D.runs.fold.some(isNumber);
/** What one run of a configuration is, and what its means are over. */
const ONE_RUN = HAS_FOLDS ? 'one fold' : 'one seed';
const RUNS_NAMED = HAS_FOLDS ? 'seeds and folds' : 'seeds';

/** `seed 1`, or `seed 1, fold 3`. */
const runLabel = (run) => `seed ${D.runs.seed[run]}${D.runs.fold[run] ? `, fold ${D.runs.fold[run]}` : ''}`;

const values = (config) => RUNS[config].map((run) => D.runs.value[run]);
const kindClass = (config) => `k${D.configs.kind[config]}`;
const markOf = (config) => MARKS[D.configs.kind[config]];

/** Kinds that some configuration is of. */
const kindsHere = () => KINDS.map((_, kind) => kind).filter((kind) => D.configs.kind.includes(kind));

// Best configurations: one mark per seed, a bar at the mean, a line for its confidence interval.

function bestTrials(host, width) {
  const configs = bestConfigs(BEST);
  const row = 44;
  const [left, right, top] = [8, width - 10, 6];
  const bottom = top + configs.length * row;
  const ends = configs.flatMap((i) => [D.configs.low[i], D.configs.high[i]].filter(isNumber));
  const seen = configs.flatMap(values);
  // An interval of two seeds can be wider than all that was measured; it may leave the picture, the seeds may not.
  const [low, high] = extent(seen);
  const margin = (high - low) * 1.5 || 0.01;
  // The zero line is in the picture if it is near, or if the winner is not clearly above it.
  const zero = D.zero;
  const isZeroShown = zero && (!zero.isClear || (zero.value >= low - margin && zero.value <= high + margin));
  const shown = [...seen, ...ends.map((end) => Math.min(Math.max(end, low - margin), high + margin)), ...(isZeroShown ? [zero.value] : [])];
  const x = linear(shown, left + 4, right - 4);
  const drawing = canvas(width, bottom + 44, 'Best configurations and baselines, one mark per run');
  const points = [];
  axes(drawing, {
    box: [left, top, right, bottom],
    x,
    y: Object.assign(() => 0, { ticks: () => [], format: String }),
    xName: D.objective.label,
    yName: '',
  });
  if (isZeroShown) drawing.append(svg('line', { class: 'zero', x1: x(zero.value), x2: x(zero.value), y1: top, y2: bottom }));
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
      drawing.append(svg('path', { class: `mark ${kindClass(config)}`, d: markPath(markOf(config), px, y, 4.5) }));
      points.push({
        x: px,
        y,
        lines: [ranked(config), `${runLabel(run)}: ${score(D.runs.value[run])} at step ${D.runs.step[run] ?? '–'}`,
          `mean ${score(c.mean[config])}${isNumber(c.low[config]) ? `; 95% CI ${score(c.low[config])} to ${score(c.high[config])}` : ''}`],
      });
    }
  });
  hover(drawing, points);
  const kinds = kindsHere().map((kind) => [`k${kind}`, `${KINDS[kind]}, ${ONE_RUN}`, MARKS[kind]]);
  const width95 = configs.some((config) => isNumber(D.configs.low[config])) ? [['interval', '95% confidence interval of the mean']] : [];
  const line = zero ? [['zero', `${zero.name}: ${score(zero.value)}${isZeroShown ? '' : ' (outside this figure)'}`]] : [];
  host.append(drawing, legend([...kinds, ['mean', `mean over ${RUNS_NAMED}`], ...width95, ...line]));
}

// Score against time or number of parameters, with the Pareto front.

let costBy = 'seconds';

function cost(host, width, redraw) {
  const column = D.configs[costBy];
  const configs = ALL.filter((i) => isNumber(column[i]) && column[i] > 0);
  const names = { seconds: `Time per trial, mean over ${RUNS_NAMED} (s)`, parameters: 'Parameters' };
  const options = Object.entries({ seconds: 'Time per trial', parameters: 'Parameters' })
    .filter(([key]) => D.configs[key].some((value) => value > 0));
  host.append(html('div', { class: 'tools' }, choice('X axis', options, costBy, (key) => { costBy = key; redraw(); })));
  if (configs.length === 0) {
    host.append(html('p', { class: 'note' }, 'No trial recorded this value.'));
    return;
  }
  const height = Math.min(440, Math.max(300, width * 0.55));
  const box = [58, 28, width - 14, height - 48];
  const x = fitting(configs.map((i) => column[i]), box[0] + 8, box[2] - 8, 12);
  const y = linear(configs.map((i) => D.configs.mean[i]), box[3], box[1]);
  const drawing = canvas(width, height, `${names[costBy]} against ${D.objective.label}`);
  axes(drawing, { box, x, y, xName: names[costBy] + (x.isLog ? ', log scale' : ''), yName: D.objective.label });
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
      const d = of.map((i) => markPath(MARKS[kind], x(column[i]), y(D.configs.mean[i]), radius)).join('');
      if (d) drawing.append(svg('path', { class: `mark many k${kind}${isWanted ? '' : ' faded'}${configs.length > 400 ? ' dense' : ''}`, d }));
    }
  }
  drawing.append(svg('path', { class: 'front', d: linePath([...corners, [box[2], corners.at(-1)[1]]]) }));
  hover(drawing, configs.filter((i) => view.isWanted[i]).map((i) => ({
    x: x(column[i]),
    y: y(D.configs.mean[i]),
    lines: [ranked(i), `${score(D.configs.mean[i])} in ${duration(D.configs.seconds[i])}`,
      `${(D.configs.parameters[i] ?? 0).toLocaleString('en-US')} parameters${front.includes(i) ? ', on the Pareto front' : ''}`],
  })));
  const kinds = kindsHere().map((kind) => [`k${kind}`, KINDS[kind], MARKS[kind]]);
  host.append(drawing, legend([...kinds, ['front', 'Pareto front: no configuration is both cheaper and better']]),
    html('p', { class: 'note' }, `On the Pareto front: ${front.slice(-6).reverse().map((i) => `${ranked(i)} (${score(D.configs.mean[i])}, ${costBy === 'seconds'
      ? duration(column[i]) : column[i].toLocaleString('en-US')})`).join('; ')}${front.length > 6 ? `; and ${front.length - 6} cheaper ones` : ''}.`));
}
