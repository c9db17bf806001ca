// The distribution registry with only its folder-on-disk storage: the stock binary also compiles
// the clients of three clouds, which costs a minute and is never used here.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
