// Training curves of selected configurations.

// Training curves: mean over seeds, and a band from the lowest to the highest seed.

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

/** A metric as an axis calls it: losses say what they are. */
const curveLabel = (metric) => (/^(train|valid)\/loss$/.test(metric) ? `${metric} (${D.objective.loss})` : metric);

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
  const adder = choice('Add', [['', 'select a configuration …'], ...addable.map((i) => [i, cut(ranked(i), 380)])], '', (i) => {
    view.chosen ??= [...chosen];
    if (i !== '') view.choose(Number(i), true);
  });
  host.append(html('div', { class: 'tools' },
    kinds.length > 1 ? choice('Kind', kinds.map((kind) => [kind, KINDS[kind]]), curveKind, (kind) => { curveKind = Number(kind); redraw(); }) : null,
    choice('Metric', metrics.map((metric) => [metric, metric]), curveMetric, (metric) => { curveMetric = metric; redraw(); }),
    adder,
    html('button', { type: 'button', onclick: () => { view.chosen = null; view.tell('choice'); } }, 'Reset to best')));
  const drawn = ofKind.slice(0, 2 * SERIES).map((config) => ({ config, points: band(config, curveMetric) }))
    .filter(({ points }) => points.length > 0);
  if (drawn.length === 0) {
    host.append(html('p', { class: 'note' }, ofKind.length === 0 ? 'No configuration of this kind is selected in the leaderboard.'
      : 'The selected configurations have no curve of this metric.'));
    return;
  }
  const height = Math.min(460, Math.max(300, width * 0.55));
  const box = [58, 28, width - 14, height - 48];
  const all = drawn.flatMap(({ points }) => points);
  const x = linear(all.map((point) => point.step), box[0] + 6, box[2] - 6, { pad: 0.01 });
  const rough = x.ticks;
  x.ticks = (most) => [...new Set(rough(most).map(Math.round))];
  const y = fitting(all.flatMap((point) => [point.low, point.high]), box[3], box[1], 300);
  const drawing = canvas(width, height, `Training curves of ${curveMetric}`);
  axes(drawing, { box, x, y, xName: STEPS[curveKind], yName: curveLabel(curveMetric) + (y.isLog ? ', log scale' : '') });
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
        lines: [ranked(config), `${curveKind === 0 ? 'epoch' : 'boosting round'} ${point.step}: ${score(point.mean)}`,
          `${score(point.low)} to ${score(point.high)} over ${count(point.n, HAS_FOLDS ? 'run' : 'seed')}`],
      });
    }
  });
  hover(drawing, dots);
  const signs = legend(drawn.map(({ config }, place) => [`s${place % SERIES}${place >= SERIES ? ' dashed' : ''}`, cut(ranked(config), width - 80)]));
  const notes = [`Line: mean over ${RUNS_NAMED}. Band: lowest to highest.`];
  if (ofKind.length > drawn.length) notes.push(`${ofKind.length - drawn.length} more selected configurations are not drawn.`);
  host.append(drawing, signs, html('p', { class: 'note' }, notes.join(' ')));
}
