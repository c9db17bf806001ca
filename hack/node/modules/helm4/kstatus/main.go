// kstatus tells how Helm 4, Flux and other tools judge objects by their status: it reads a JSON
// array of Kubernetes objects and writes one of {"status", "message"} for each.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubejson "k8s.io/apimachinery/pkg/util/json"
)

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func run() error {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var objects []map[string]any
	// Kubernetes' own reader: whole numbers stay whole, as the library expects.
	if err := kubejson.Unmarshal(input, &objects); err != nil {
		return fmt.Errorf("standard input is no JSON array of objects: %w", err)
	}
	verdicts := make([]verdict, 0, len(objects))
	for position, object := range objects {
		result, err := status.Compute(&unstructured.Unstructured{Object: object})
		if err != nil {
			return fmt.Errorf("object %d: %w", position, err)
		}
		verdicts = append(verdicts, verdict{string(result.Status), result.Message})
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}
