package main

import (
	"math"
	"slices"
)

// digest estimates quantiles of any number of values in bounded memory: a merging t-digest, as in Dunning and Ertl, "Computing
// extremely accurate quantiles using t-digests" (https://arxiv.org/abs/1902.04023), with the scale function k1.
//
// Up to exactValues values it keeps all of them, and quantiles are exact. Beyond, values are merged into centroids that are the
// smaller the nearer they are to the ends.
type digest struct {
	// values have not been merged yet.
	values    []float64
	centroids []centroid
	// merged is how many values are in centroids; min and max are of those.
	merged   float64
	min, max float64
}

type centroid struct{ mean, weight float64 }

const (
	exactValues = 512
	// compression bounds the number of centroids, and half of it is about how many there are.
	compression = 200
)

func (d *digest) add(value float64) {
	if len(d.values) == exactValues {
		d.merge()
	}
	d.values = append(d.values, value)
}

// merge makes centroids of all values.
func (d *digest) merge() {
	if len(d.values) == 0 {
		return
	}
	slices.Sort(d.values)
	first, last := d.values[0], d.values[len(d.values)-1]
	if len(d.centroids) == 0 {
		d.min, d.max = first, last
	}
	d.min, d.max = min(d.min, first), max(d.max, last)
	sorted := make([]centroid, 0, len(d.centroids)+len(d.values))
	at := 0
	for _, value := range d.values {
		for at < len(d.centroids) && d.centroids[at].mean <= value {
			sorted = append(sorted, d.centroids[at])
			at++
		}
		sorted = append(sorted, centroid{value, 1})
	}
	sorted = append(sorted, d.centroids[at:]...)
	d.merged += float64(len(d.values))
	d.values = d.values[:0]

	made := d.centroids[:0]
	current := sorted[0]
	before := 0.0
	limit := d.merged * limitAfter(0)
	for _, next := range sorted[1:] {
		if before+current.weight+next.weight <= limit {
			current.weight += next.weight
			current.mean += (next.mean - current.mean) * (next.weight / current.weight)
			continue
		}
		made = append(made, current)
		before += current.weight
		limit = d.merged * limitAfter(before/d.merged)
		current = next
	}
	d.centroids = append(made, current)
}

// limitAfter is the quantile up to which a centroid may reach that begins at a quantile: one step on the scale k1.
func limitAfter(quantile float64) float64 {
	k := compression/(2*math.Pi)*math.Asin(2*quantile-1) + 1
	if k >= compression/4.0 {
		return 1
	}
	return (math.Sin(k*2*math.Pi/compression) + 1) / 2
}

// quantile must not be asked for without any value.
func (d *digest) quantile(q float64) float64 {
	if len(d.centroids) == 0 {
		slices.Sort(d.values)
		return exactQuantile(d.values, q)
	}
	d.merge()
	// A centroid stands in the middle of its values; between two of them, and to the ends, values are taken to be spread evenly.
	rank := q * d.merged
	before, beforeMean := 0.0, d.min
	position := 0.0
	for _, c := range d.centroids {
		middle := position + c.weight/2
		if rank < middle {
			return between(beforeMean, c.mean, (rank-before)/(middle-before))
		}
		before, beforeMean = middle, c.mean
		position += c.weight
	}
	if rank >= d.merged {
		return d.max
	}
	return between(beforeMean, d.max, (rank-before)/(d.merged-before))
}

// exactQuantile interpolates between the two values around the quantile, as `percentile_cont` of SQL does.
func exactQuantile(sorted []float64, q float64) float64 {
	place := q * float64(len(sorted)-1)
	low := int(place)
	high := min(low+1, len(sorted)-1)
	return between(sorted[low], sorted[high], place-float64(low))
}

// between does not overflow where the values are at both ends of what floats can hold.
func between(low, high, fraction float64) float64 {
	return low*(1-fraction) + high*fraction
}
