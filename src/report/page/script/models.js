// Figures of the best models: confusion matrix, feature importance, learning curve, calibration.

// Confusion matrix, with precision, recall and F1 per class.

let confusionOf = null;
let asShare = true;

function confusion(host, width, redraw) {
  const known = Object.keys(D.confusion).map(Number).sort((a, b) => a - b);
  if (known.length === 0) throw new Error('nothing to draw');
  if (!known.includes(confusionOf)) confusionOf = known[0];
  const matrix = D.confusion[confusionOf];
  const tick = html('input', { type: 'checkbox', checked: asShare, onchange: () => { asShare = tick.checked; redraw(); } });
  host.append(html('div', { class: 'tools' },
    choice('Configuration', known.map((i) => [i, cut(ranked(i), 420)]), confusionOf, (i) => { confusionOf = Number(i); redraw(); }),
    html('label', { class: 'choice' }, tick, ' normalize by true class')));
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const rows = matrix.map(sum);
  const columns = matrix.map((_, j) => sum(matrix.map((row) => row[j])));
  const largest = Math.max(1, ...matrix.flat());
  const percent = (part, whole) => (whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : '–');
  const head = html('tr', {}, html('th', { class: 'text' }, 'true ↓ predicted →'), ...D.classes.map((name) => html('th', { scope: 'col' }, name)), html('th', {}, 'rows'));
  const body = matrix.map((row, i) => html('tr', {}, html('th', { scope: 'row', class: 'text' }, D.classes[i]),
    ...row.map((cell, j) => html('td', {
      class: `heat${i === j ? ' right' : ''}`,
      style: `--t:${(asShare ? (rows[i] ? cell / rows[i] : 0) : cell / largest).toFixed(3)}`,
      title: `true ${D.classes[i]}, predicted ${D.classes[j]}: ${cell.toLocaleString('en-US')} of ${rows[i].toLocaleString('en-US')}`,
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
    ['macro average', share(over('precision')), share(over('recall')), share(over('f1')), sum(rows).toLocaleString('en-US')]];
  host.append(
    html('div', { class: 'wide' }, html('table', { class: 'cells' }, html('thead', {}, head), html('tbody', {}, ...body))),
    html('p', { class: 'note' }, `Validation rows at the best step${RUNS[confusionOf].length > 1 ? `, summed over ${RUNS[confusionOf].length} ${HAS_FOLDS ? 'runs' : 'seeds'}` : ''}. Accuracy: ${percent(sum(matrix.map((row, i) => row[i])), sum(rows))}.`),
    html('div', { class: 'wide' }, html('table', { class: 'measures' },
      html('thead', {}, html('tr', {}, ...['Class', 'Precision', 'Recall', 'F1', 'Support'].map((name, i) => html('th', { scope: 'col', class: i ? '' : 'text' }, name)))),
      html('tbody', {}, ...lines.map((line, i) => html('tr', { class: i === lines.length - 1 ? 'total' : '' }, ...line.map((cell, j) => html('td', { class: j ? '' : 'text' }, cell))))))),
    html('p', { class: 'note' }, 'Precision: share of the rows predicted as a class that belong to it. Recall: share of the rows of a class that were predicted as it. F1: harmonic mean of the two.'),
  );
}

// Feature importance of tree models.

function features(host, width) {
  if (D.features.length === 0) throw new Error('nothing to draw');
  const grid = html('div', { class: 'panels' });
  for (const [config, shares] of D.features) {
    const panel = Math.min(width, 500);
    const [row, left] = [22, Math.min(190, panel * 0.45)];
    const x = (share) => left + (share / shares[0][1]) * (panel - left - 56);
    const drawing = canvas(panel, shares.length * row + 4, `Feature importance of ${title(config)}`);
    shares.forEach(([name, share], place) => drawing.append(
      svg('text', { x: left - 8, y: place * row + 15, 'text-anchor': 'end' }, cut(name, left - 10)),
      svg('rect', { class: `bar ${kindClass(config)}`, x: left, y: place * row + 3, width: Math.max(0.5, x(share) - left), height: row - 6 }),
      svg('text', { x: x(share) + 6, y: place * row + 15 }, `${(100 * share).toFixed(1)}%`),
    ));
    hover(drawing, shares.map(([name, share], place) => ({ x: x(share), y: place * row + 11, lines: [name, `${(100 * share).toFixed(2)}% of the total gain`] })), { reach: 400 });
    grid.append(html('figure', {}, html('figcaption', {}, cut(ranked(config), panel)), drawing));
  }
  host.append(grid, html('p', { class: 'note' }, 'Share of the total gain from splits on each feature, mean over the seeds of the best configuration of each kind. '
    + 'Importance shows what a model used, not what causes the target; correlated features share it.'));
}

// Learning curve: score against training size.

function learningCurve(host, width) {
  if (D.learning_curve.length === 0) throw new Error('nothing to draw');
  const height = Math.min(420, Math.max(300, width * 0.5));
  const box = [58, 28, width - 14, height - 48];
  const all = D.learning_curve.flatMap(([, points]) => points);
  const x = fitting(all.map(([rows]) => rows), box[0] + 14, box[2] - 24, 4);
  const y = linear(all.flatMap(([, , low, high]) => [low, high]), box[3], box[1]);
  const drawing = canvas(width, height, 'Learning curve: score against training size');
  axes(drawing, { box, x, y, xName: `Training rows${x.isLog ? ', log scale' : ''}`, yName: D.objective.label });
  const dots = [];
  for (const [config, points] of D.learning_curve) {
    const kind = kindClass(config);
    drawing.append(svg('path', { class: `line ${kind}`, d: linePath(points.map(([rows, middle]) => [x(rows), y(middle)])) }));
    for (const [rows, middle, low, high, seeds] of points) {
      drawing.append(svg('line', { class: `interval ${kind}`, x1: x(rows), x2: x(rows), y1: y(low), y2: y(high) }));
      drawing.append(svg('path', { class: `mark ${kind}`, d: markPath(markOf(config), x(rows), y(middle), 4.5) }));
      dots.push({ x: x(rows), y: y(middle), lines: [ranked(config), `${Math.round(rows).toLocaleString('en-US')} rows: ${score(middle)}`, `${score(low)} to ${score(high)} over ${count(seeds, 'seed')}`] });
    }
  }
  hover(drawing, dots);
  host.append(drawing, legend(D.learning_curve.map(([config]) => [kindClass(config), cut(ranked(config), width - 60), markOf(config)])),
    html('p', { class: 'note' }, 'The best configuration of each kind, also trained on subsets of the training rows; the validation rows stay the same. Bars: lowest to '
      + 'highest seed. If a line still improves at its right end, more data would probably help.'));
}

// Calibration: reliability diagram, accuracy against confidence.

function calibration(host, width) {
  if (D.calibration.length === 0) throw new Error('nothing to draw');
  const size = Math.min(width, 460);
  const box = [58, 28, size - 14, size - 48];
  const unit = (from, to) => linear([0, 1], from, to, { pad: 0 });
  const [x, y] = [unit(box[0], box[2]), unit(box[3], box[1])];
  const drawing = canvas(size, size, 'Reliability diagram');
  axes(drawing, { box, x, y, xName: 'Confidence (probability of the predicted class)', yName: 'Accuracy', xTicks: 5, yTicks: 5 });
  drawing.append(svg('line', { class: 'ideal', x1: x(0), y1: y(0), x2: x(1), y2: y(1) }));
  const points = [];
  for (const one of D.calibration) {
    const most = Math.max(...one.bins.map(([n]) => n));
    drawing.append(svg('path', { class: `line ${kindClass(one.config)}`, d: linePath(one.bins.map(([, claimed, right]) => [x(claimed), y(right)])) }));
    for (const [n, claimed, right] of one.bins) {
      drawing.append(svg('path', { class: `mark ${kindClass(one.config)}`, d: markPath(markOf(one.config), x(claimed), y(right), 2 + 5 * Math.sqrt(n / most)) }));
      points.push({ x: x(claimed), y: y(right), lines: [ranked(one.config), `confidence ${(100 * claimed).toFixed(1)}%, accuracy ${(100 * right).toFixed(1)}%`, count(n, 'prediction')] });
    }
  }
  hover(drawing, points);
  host.append(drawing, legend([...D.calibration.map((one) => [kindClass(one.config), `${cut(ranked(one.config), width - 160)}: ECE ${(100 * one.ece).toFixed(1)}%`, markOf(one.config)]),
    ['ideal', 'perfect calibration']]), html('p', { class: 'note' }, 'Below the diagonal a model is overconfident, above it underconfident. Larger marks hold more predictions.'));
}
