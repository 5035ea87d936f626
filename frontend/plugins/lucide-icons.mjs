// Collects the lucide icons that templates and categories name into one icons.json.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const iconFolder = join(createRequire(import.meta.url).resolve('lucide-static/package.json'), '../icons');

// icon('name'), icon('one' if x else 'two'), icon='name' and {'icon': 'name'}
const CALL = /\bicon\(\s*([^,)]*['"][^,)]*)/g;
const VALUE = /\bicon['"]?\s*[=:]\s*['"]([a-z0-9-]+)['"]/g;
const QUOTED = /(?<![=!]=\s*)['"]([a-z0-9-]+)['"]/g;

function filesUnder(folder, ending) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
}

function namedIn(text) {
  const inCalls = [...text.matchAll(CALL)].flatMap((call) => [...call[1].matchAll(QUOTED)]);
  return [...inCalls, ...text.matchAll(VALUE)].map((found) => found[1]);
}

function drawing(name, file) {
  const path = join(iconFolder, `${name}.svg`);
  if (!existsSync(path)) throw new Error(`${file} names the icon "${name}", which lucide does not have`);
  const [, shapes] = readFileSync(path, 'utf8').match(/<svg[^>]*>([^]*)<\/svg>/);
  return shapes.replace(/\s+/g, ' ').trim();
}

export function lucideIcons({ templates, categories }) {
  return {
    name: 'lucide-icons',
    apply: 'build',
    generateBundle() {
      const files = [
        ...filesUnder(fileURLToPath(templates), '.html'),
        ...filesUnder(fileURLToPath(categories), '.toml'),
      ];
      const icons = {};
      for (const file of files.sort()) {
        for (const name of namedIn(readFileSync(file, 'utf8'))) icons[name] ??= drawing(name, file);
      }
      this.emitFile({ type: 'asset', fileName: 'icons.json', source: JSON.stringify(icons) });
    },
  };
}
