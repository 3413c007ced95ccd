// The models of the page: one, or those of a gallery, of which the address names one (#NAME).

/** Reads the list of models: `name`, `title`, addresses of `page` and `files`, `thumbnail`. */
export async function readModels() {
  return readJson(new URL('models.json', document.baseURI));
}

/** Reads the description of a model; addresses of its files and examples become absolute. */
export async function readDescription({page, files}) {
  const address = new URL(page, document.baseURI);
  const description = await readJson(address);
  for (const {examples} of description.signatures) {
    for (const role of Object.keys(examples)) {
      examples[role] = examples[role].map((path) => new URL(path, address).href);
    }
  }
  return {...description, files: new URL(files, document.baseURI).href};
}

/** The index of the model that the address names; of the first one if it names none. */
export function indexInAddress(models) {
  const isNamed = ({name}) => location.hash === `#${encodeURIComponent(name)}`;
  return Math.max(0, models.findIndex(isNamed));
}

/** Shows a link to every model, unless there is only one. */
export function showModels(container, models) {
  container.hidden = models.length < 2;
  if (container.hidden) return;
  container.replaceChildren(...models.map(({name, title, thumbnail}) => {
    const link = Object.assign(document.createElement('a'), {href: `#${encodeURIComponent(name)}`});
    if (thumbnail) link.append(Object.assign(new Image(), {src: thumbnail, alt: ''}));
    link.append(title);
    return link;
  }));
}

async function readJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} cannot be loaded: ${(await response.text()).trim()}`);
  return response.json();
}
