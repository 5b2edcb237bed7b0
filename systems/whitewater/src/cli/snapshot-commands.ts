/** `snapshot save` and `snapshot restore`. */
import type { Command } from "commander";
import { type Globals, print } from "./shared.ts";

export function addSnapshotCommands(program: Command, globals: () => Globals): void {
  const group = program.command("snapshot").description("copy the whole store to a file, and back");
  group
    .command("save <file>")
    .description("write a checked copy of the store as it is now")
    .addHelpText("after", "\nExample:\n  whitewater snapshot save backup.ww")
    .action(async (file: string) => {
      const { save } = await import("./snapshot.ts");
      const saved = await save(globals().target, file);
      print(globals().json ? JSON.stringify(saved) : `${file}: revision ${saved.revision}, ${saved.sizeBytes} bytes`);
    });
  group
    .command("restore <file>")
    .description("write the keys of a copy into a running cluster: all of them or, on damage, none")
    .option("--replace", "delete every key that is there first")
    .addHelpText(
      "after",
      "\nKeys get new revisions; leases and the past are not brought back. Stop writers before.\n\nExample:\n  whitewater snapshot restore backup.ww --replace",
    )
    .action(async (file: string, { replace = false }: { replace?: boolean }) => {
      const { restore } = await import("./snapshot.ts");
      const restored = await restore(globals().target, file, replace);
      print(
        globals().json
          ? JSON.stringify(restored)
          : `${file}: ${restored.keys} keys of revision ${restored.revision} written, read back and equal`,
      );
    });
}
