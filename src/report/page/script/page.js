// Fills every section that has data. A section that cannot be drawn keeps its static content and logs the error to
// the console; the others are still drawn.

document.documentElement.classList.add('has-script');
document.body.append(tip);

const PARTS = [
  ['best', [], bestTrials],
  ['cost', ['filter'], cost],
  ['curves', ['choice'], curves],
  ['parallel', ['filter'], parallel],
  ['importance', [], importance],
  ['effects', ['filter', 'kind'], effects],
  ['interactions', ['filter', 'kind'], interactions],
  ['features', [], features],
  ['learning_curve', [], learningCurve],
  ['confusion', [], confusion],
  ['calibration', [], calibration],
  ['timeline', [], timeline],
];

function attempt(id, draw) {
  try {
    draw();
  } catch (problem) {
    console.error(`cannot draw ${id}:`, problem);
  }
}

if (CONFIGS > 0) attempt('leaderboard', leaderboard);
for (const [id, follows, draw] of PARTS) {
  const hasData = {
    confusion: Object.keys(D.confusion).length > 0,
    calibration: D.calibration.length > 0,
    importance: (D.anova?.shares.length ?? 0) > 0,
    features: D.features.length > 0,
    learning_curve: D.learning_curve.length > 0,
    curves: Object.keys(D.curves).length > 0,
    timeline: D.timeline.attempts.length > 0,
  };
  if (hasData[id] ?? CONFIGS > 0) attempt(id, () => figure(id, follows, draw));
}
