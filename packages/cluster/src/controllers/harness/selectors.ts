import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import { type Labels, matchesSelector, selectorOf, selectorOfLabels } from "../../machinery/selectors.ts";

export type { Labels };

/** Whether the labels satisfy the selector; an absent selector matches nothing, an empty one everything. */
export const selects = (selector: LabelSelector | undefined, labels: Labels | undefined) =>
  matchesSelector(selectorOf(selector), labels);

/** Whether every wanted label is there with that value. */
export const hasLabels = (wanted: Labels, labels: Labels | undefined) =>
  matchesSelector(selectorOfLabels(wanted), labels);
