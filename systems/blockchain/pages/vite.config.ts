import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // Files only: the server's content policy allows nothing inline.
  build: { outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, target: "es2022" },
  // For work on the pages: npx vite systems/blockchain/pages, beside a node that serves the API.
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
