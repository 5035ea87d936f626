// Ships the licences of everything whose code, fonts or drawings end up in the build.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const modules = join(import.meta.dirname, '../node_modules');
const shipped = [
  '@fontsource-variable/bricolage-grotesque',
  '@fontsource-variable/figtree',
  'daisyui',
  'htmx.org',
  'lucide-static',
  'tailwindcss',
  'uplot',
];

function licence(name) {
  const folder = join(modules, name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence file to ship`);
  return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}

export function thirdPartyLicences() {
  return {
    name: 'third-party-licences',
    apply: 'build',
    generateBundle() {
      const source = shipped.map(licence).join(`\n${'-'.repeat(80)}\n\n`);
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source });
    },
  };
}
