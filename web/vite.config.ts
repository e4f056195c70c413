import { fileURLToPath } from 'node:url';
import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Names of zod's constructors that the contract calls at module level. */
const constructors = [
  'array base64 boolean discriminatedUnion email enum literal null number object record strictObject string union url',
].flatMap((names) => names.split(' '));

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react(), tailwind()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // A `data:` URL would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1024,
    rolldownOptions: {
      // The contract's schemas stand beside plain constants; without this, one constant would bring all of zod.
      treeshake: { manualPureFunctions: ['z', ...constructors.map((name) => `z.${name}`)] },
    },
  },
});
