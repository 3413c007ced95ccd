// What the card of a model says: what it does, its metrics and its license.

const NAMES = {
  'completeness': 'completeness: content and domain, 0 to 1',
  'content/skill': 'nearer to the truth than the input, at most 1',
  'domain/accuracy': 'taken for the target domain by a classifier',
};

/** Shows the description of a model, if there is any. */
export function showAbout(container, about = {}) {
  const {method, summary, intended_use: use, license, metrics = []} = about;
  container.hidden = !(summary || use || license || metrics.length);
  const find = (id) => container.querySelector(id);
  find('#about-text').textContent = [summary, use].filter(Boolean).join(' ');
  const rows = metrics.flatMap(({direction, name, value}) => {
    const term = document.createElement('dt');
    term.textContent = [direction.replaceAll('_', ' '), NAMES[name] ?? name].join(', ');
    const detail = document.createElement('dd');
    detail.textContent = value.toFixed(2);
    return [term, detail];
  });
  find('#metrics').replaceChildren(...rows);
  find('#license').textContent = [
    method && `Method: ${method}.`, license && `Data: ${license}.`,
  ].filter(Boolean).join(' ');
}
