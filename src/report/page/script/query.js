// The query language of `sweep ls`, `report` and `export`, as src/analysis/query.rs describes it. Both answer the
// examples of tests/browser/queries.json alike.

const NEAR = 2;
const DIGITS = 4;
// Longest first, so that `<=` is not read as `<`.
const OPERATORS = ['<=', '>=', '!=', '!~', '==', '=', '<', '>', '~'];
// Keys whose values are identifiers, which are equal to their first digits: tables show no more of them.
const IDENTIFIERS = ['trial', 'config', 'name'];
const SHOWN_DIGITS = 8;
const ORDERS = ['<', '<=', '>', '>='];

/** Why a query cannot be answered: the place and number of the characters that are meant. */
class QueryError extends Error {
  constructor(at, length, message) {
    super(message);
    this.at = at;
    this.length = length;
  }
}

/** `text` as values are compared: `[64, 32]` is `[64,32]`, `Adam` is `adam`. */
function folded(text) {
  return text.replace(/\s+/gu, '').toLowerCase();
}

function parseQuery(text) {
  const reader = new QueryReader(text);
  const groups = [[]];
  let orAt = null;
  while (reader.skipSpace()) {
    const begun = reader.at;
    if (reader.takeWord('or')) {
      if (groups.at(-1).length === 0) throw lonelyOr(begun);
      groups.push([]);
      orAt = begun;
    } else {
      groups.at(-1).push(reader.condition());
    }
  }
  if (orAt !== null && groups.at(-1).length === 0) throw lonelyOr(orAt);
  return groups;
}

function lonelyOr(at) {
  return new QueryError(at, 2, '`or` stands between two conditions');
}

/** Throws for a key that is not one of `known`. */
function checkQuery(groups, known) {
  for (const { key, written, at } of groups.flat()) {
    if (key === undefined || known.some((name) => name.toLowerCase() === key)) continue;
    const letters = Array.from(written).length;
    let [best, distance] = [null, Infinity];
    for (const name of known) {
      const away = levenshtein(name, key);
      if (away < distance) [best, distance] = [name, away];
    }
    const meant = distance <= NEAR && distance < letters
      ? `did you mean \`${best}\`?`
      : `there are: ${known.join(', ')}`;
    throw new QueryError(at, letters, `no column \`${written}\`; ${meant}`);
  }
}

function levenshtein(a, b) {
  const [from, to] = [Array.from(a), Array.from(b)];
  let row = to.map((_, place) => place + 1);
  from.forEach((letter, i) => {
    let [left, diagonal] = [i + 1, i];
    row = row.map((above, j) => {
      left = Math.min(left + 1, above + 1, diagonal + (letter === to[j] ? 0 : 1));
      diagonal = above;
      return left;
    });
  });
  return row.length ? row.at(-1) : from.length;
}

/** Whether `row` is wanted; `row.values(key)` is a list of `{raw, shown}`, `row.text()` where words are looked for. */
function queryHolds(groups, row) {
  return groups.some((group) => group.every((condition) => conditionHolds(condition, row)));
}

function conditionHolds(condition, row) {
  if (condition.word !== undefined) {
    return row.text().toLowerCase().includes(condition.word) !== condition.negated;
  }
  const values = row.values(condition.key);
  const isName = IDENTIFIERS.includes(condition.key);
  const any = (operator) => values.some((value) => condition.operands.some((operand) =>
    (isName && operator === '=' ? begins(operand, value) : meets(operand, operator, value))));
  let holds;
  if (condition.operator === '!=') holds = values.length > 0 && !any('=');
  else if (condition.operator === '!~') holds = values.length > 0 && !any('~');
  else holds = any(condition.operator);
  return holds !== condition.negated;
}

/** Whether this is an identifier's first digits, or continues where the identifier was cut short. */
function begins(operand, { shown }) {
  const whole = folded(shown);
  const isCut = whole.length >= SHOWN_DIGITS;
  return operand.text !== '' && (whole.startsWith(operand.text) || (isCut && operand.text.startsWith(whole)));
}

function meets(operand, operator, { raw, shown, isWhole }) {
  if (operator === '~') return folded(shown).includes(operand.text);
  if (typeof raw !== 'number' || operand.number === null) {
    return operator === '=' && folded(shown) === operand.text;
  }
  const wanted = operand.number;
  switch (operator) {
    case '=':
      if (isWhole || wanted === 0) return raw === wanted;
      return Math.abs(raw - wanted)
        <= 0.5 * 10 ** (Math.floor(Math.log10(Math.abs(wanted))) - operand.digits + 1);
    case '<': return raw < wanted;
    case '<=': return raw <= wanted;
    case '>': return raw > wanted;
    default: return raw >= wanted;
  }
}

function operandOf(written) {
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(written) && Number.isFinite(Number(written));
  const digits = written.split(/e/i)[0].replace(/\D/g, '').replace(/^0+/, '').length;
  return {
    text: folded(written),
    number: isNumber ? Number(written) : null,
    digits: Math.max(digits, DIGITS),
  };
}

class QueryReader {
  constructor(text) {
    this.text = Array.from(text);
    this.at = 0;
  }

  isSpace(at = this.at) {
    return at < this.text.length && /\s/u.test(this.text[at]);
  }

  /** Whether anything is left. */
  skipSpace() {
    while (this.isSpace()) this.at += 1;
    return this.at < this.text.length;
  }

  /** Takes `word` if it stands here alone and is not a key. */
  takeWord(word) {
    const end = this.at + word.length;
    if (this.text.slice(this.at, end).join('').toLowerCase() !== word) return false;
    if (end < this.text.length && !this.isSpace(end)) return false;
    let next = end;
    while (this.isSpace(next)) next += 1;
    if (this.operator(next)) return false;
    this.at = end;
    return true;
  }

  operator(at = this.at) {
    return OPERATORS.find((sign) => this.text.slice(at, at + sign.length).join('') === sign);
  }

  condition() {
    const begun = this.at;
    const negated = this.takeWord('not');
    if (negated && !this.skipSpace()) throw new QueryError(begun, 3, '`not` has nothing after it');
    const at = this.at;
    if (this.text[at] === '"') return { negated, word: this.quoted().toLowerCase() };
    while (this.at < this.text.length && !this.isSpace() && !this.operator()) this.at += 1;
    const key = this.text.slice(at, this.at).join('');
    const afterKey = this.at;
    this.skipSpace();
    const sign = this.operator();
    if (!sign) {
      this.at = afterKey;
      return { negated, word: key.toLowerCase() };
    }
    if (key === '') throw new QueryError(this.at, sign.length, `\`${sign}\` has no column before it`);
    this.at += sign.length;
    const operands = this.operands(key, sign);
    return { negated, key: key.toLowerCase(), written: key, at, operator: sign === '==' ? '=' : sign, operands };
  }

  operands(key, sign) {
    const operands = [];
    for (;;) {
      this.skipSpace();
      const at = this.at;
      const written = this.text[at] === '"' ? this.quoted() : this.bare();
      if (at === this.at) throw new QueryError(at, 1, `a value is missing after \`${key}${sign}\``);
      const operand = operandOf(written);
      if (ORDERS.includes(sign) && operand.number === null) {
        throw new QueryError(at, this.at - at, `\`${sign}\` wants a number, and \`${written}\` is none`);
      }
      operands.push(operand);
      const end = this.at;
      this.skipSpace();
      if (this.text[this.at] !== '|') {
        this.at = end;
        return operands;
      }
      if (ORDERS.includes(sign)) {
        throw new QueryError(this.at, 1, `\`|\` gives a choice, which \`${sign}\` cannot have`);
      }
      this.at += 1;
    }
  }

  /** Up to white space or `|`; what stands in brackets is kept together. */
  bare() {
    const at = this.at;
    const open = [];
    while (this.at < this.text.length) {
      const c = this.text[this.at];
      if ('[({'.includes(c)) open.push(this.at);
      else if ('])}'.includes(c)) open.pop();
      else if (open.length === 0 && (this.isSpace() || c === '|')) break;
      this.at += 1;
    }
    if (open.length > 0) throw new QueryError(open[0], 1, `\`${this.text[open[0]]}\` is never closed`);
    return this.text.slice(at, this.at).join('');
  }

  quoted() {
    const at = this.at;
    this.at += 1;
    let text = '';
    while (this.at < this.text.length) {
      const c = this.text[this.at];
      this.at += 1;
      if (c === '"') return text;
      if (c === '\\') {
        text += this.text[this.at] ?? '';
        this.at += 1;
      } else {
        text += c;
      }
    }
    throw new QueryError(at, 1, 'this quote is never closed');
  }
}
