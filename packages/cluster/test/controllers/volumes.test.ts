import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PersistentVolumeClaim } from "kubernetes-types/core/v1.js";
import { describe, expect, it } from "vitest";
import { removeFolder } from "../../src/controllers/volumes/folders.ts";
import { pod } from "./support/manifests.ts";
import { openWorld } from "./support/world.ts";

const claim = (name: string, spec: PersistentVolumeClaim["spec"] = {}): PersistentVolumeClaim => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, namespace: "default" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
});

const volume = (name: string, storage: string, extra: object = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    accessModes: ["ReadWriteOnce"],
    capacity: { storage },
    hostPath: { path: `/srv/${name}` },
    storageClassName: "manual",
    persistentVolumeReclaimPolicy: "Retain",
    ...extra,
  },
});

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe("volumes", () => {
  it("has a default class that provisions a folder and binds at once", async () => {
    const world = await openWorld();
    expect(world.object("storageclasses.storage.k8s.io", "", "standard").metadata.annotations).toEqual({
      "storageclass.kubernetes.io/is-default-class": "true",
    });
    await world.apply(claim("data"));
    const bound = world.object("persistentvolumeclaims", "default", "data");
    expect(bound.status).toMatchObject({
      phase: "Bound",
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
    });
    expect(bound.spec.volumeName).toBe(`pvc-${bound.metadata.uid}`);
    const { spec, status } = world.object("persistentvolumes", "", bound.spec.volumeName);
    expect(status.phase).toBe("Bound");
    expect(spec).toMatchObject({
      persistentVolumeReclaimPolicy: "Delete",
      claimRef: { name: "data", uid: bound.metadata.uid },
    });
    expect(spec.hostPath.path.startsWith(world.volumesDir)).toBe(true);
    expect(await exists(spec.hostPath.path)).toBe(true);
    expect(world.events("data").map((event) => event.split(":")[0])).toEqual(["Provisioning", "ProvisioningSucceeded"]);
    expect(world.failures).toEqual([]);
  });

  it("leaves claims of a class that does not exist until it does", async () => {
    const world = await openWorld();
    await world.apply(claim("data", { storageClassName: "fast-ssd" }));
    expect(world.object("persistentvolumeclaims", "default", "data").status.phase).toBe("Pending");
    expect(world.events("data")).toContain(`ProvisioningFailed: storageclass.storage.k8s.io "fast-ssd" not found`);
    await world.apply({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: "fast-ssd" },
      provisioner: "ebs.csi.aws.com",
    });
    const bound = world.object("persistentvolumeclaims", "default", "data");
    expect(bound.status.phase).toBe("Bound");
    expect(world.object("persistentvolumes", "", bound.spec.volumeName).spec.storageClassName).toBe("fast-ssd");
  });

  it("provisions nothing for the empty class, and binds the volume when it comes", async () => {
    const world = await openWorld();
    await world.apply(claim("data", { storageClassName: "" }));
    expect(world.object("persistentvolumeclaims", "default", "data").status.phase).toBe("Pending");
    expect(world.events("data")).toEqual([
      "FailedBinding: no persistent volumes available for this claim and no storage class is set",
    ]);
    await world.apply(volume("pv", "2Gi", { storageClassName: "" }));
    expect(world.object("persistentvolumeclaims", "default", "data").spec.volumeName).toBe("pv");
  });

  it("takes the smallest existing volume that is large enough", async () => {
    const world = await openWorld();
    await world.apply(volume("large", "10Gi"), volume("small", "512Mi"), volume("fitting", "1Gi"));
    await world.apply(claim("data", { storageClassName: "manual" }));
    expect(world.object("persistentvolumeclaims", "default", "data").spec.volumeName).toBe("fitting");
    expect(world.object("persistentvolumes", "", "large").status.phase).toBe("Available");
  });

  it("keeps a claim that a pod uses until the pod is gone, then removes volume and data", async () => {
    const world = await openWorld();
    await world.apply(claim("data"));
    await world.apply(
      pod("p", { spec: { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] } }),
    );
    const { spec } = world.store.list("persistentvolumes")[0]!;
    const file = join(spec!.hostPath!.path, "rows");
    await writeFile(file, "1");
    await world.store.delete("persistentvolumeclaims", "default", "data");
    await world.settle();
    expect(world.object("persistentvolumeclaims", "default", "data").metadata.deletionTimestamp).toBeDefined();
    expect(await exists(file)).toBe(true);
    await world.store.delete("pods", "default", "p");
    await world.settle();
    expect(world.store.get("persistentvolumeclaims", "default", "data")).toBeUndefined();
    expect(world.store.list("persistentvolumes")).toEqual([]);
    expect(await exists(spec!.hostPath!.path)).toBe(false);
  });

  it("releases a retained volume", async () => {
    const world = await openWorld();
    await world.apply(volume("pv", "1Gi"), claim("data", { storageClassName: "manual" }));
    await world.store.delete("persistentvolumeclaims", "default", "data");
    await world.settle();
    expect(world.object("persistentvolumes", "", "pv").status.phase).toBe("Released");
  });

  it("refuses to remove a folder that is not one of its own", async () => {
    const world = await openWorld();
    for (const path of ["/etc", world.volumesDir, join(world.volumesDir, "..", "other")])
      await expect(removeFolder(world.volumesDir, path)).rejects.toThrow("is not under");
  });
});
