// Builds the pages' styles, scripts, fonts and icons into the package's static folder.
import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';
import { lucideIcons } from './plugins/lucide-icons.mjs';
import { thirdPartyLicences } from './plugins/third-party-licences.mjs';

const packageFolder = new URL('../src/imatch/', import.meta.url);

export default defineConfig({
  base: '/static/',
  plugins: [
    tailwindcss(),
    lucideIcons({
      templates: new URL('web/templates/', packageFolder),
      categories: new URL('categories/definitions/', packageFolder),
    }),
    thirdPartyLicences(),
  ],
  build: {
    outDir: fileURLToPath(new URL('static/', packageFolder)),
    emptyOutDir: true,
    manifest: true,
    // Inlined data: URLs would need exceptions in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    rollupOptions: { input: { app: 'src/app.js', economy: 'src/economy.js' } },
  },
});
