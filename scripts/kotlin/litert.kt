// Stubs of LiteRT's CompiledModel with the signatures of LiteRT 2.3. Like the stub of Interpreter they
// have scripts/kotlin/check.py run the model. A GPU is there unless the program is started without it.
package com.google.ai.edge.litert

import android.content.res.AssetManager
import java.io.File
import org.tensorflow.lite.Pipe

var hasGpu = true

enum class Accelerator { NONE, CPU, GPU, NPU }

class LiteRtException(message: String) : Exception(message)

class Environment private constructor() : AutoCloseable {
    fun getAvailableAccelerators(): Set<Accelerator> =
        if (hasGpu) setOf(Accelerator.CPU, Accelerator.GPU) else setOf(Accelerator.CPU)

    override fun close() = Unit

    companion object {
        fun create(): Environment = Environment()
    }
}

/** Values of one type, which must be read and written by functions of that type. */
class TensorBuffer internal constructor() : AutoCloseable {
    internal lateinit var values: Any

    fun writeFloat(data: FloatArray) { values = data.copyOf() }

    fun writeInt(data: IntArray) { values = data.copyOf() }

    fun readFloat(): FloatArray = values as FloatArray

    fun readInt(): IntArray = values as IntArray

    override fun close() = Unit
}

class CompiledModel private constructor(private val size: Int) : AutoCloseable {
    class Options(vararg val accelerators: Accelerator)

    fun createInputBuffer(inputName: String, signature: String = ""): TensorBuffer {
        check(inputName.isNotEmpty() && signature.isNotEmpty())
        return TensorBuffer()
    }

    fun createOutputBuffer(outputName: String, signature: String = ""): TensorBuffer {
        check(outputName.isNotEmpty() && signature.isNotEmpty())
        return TensorBuffer()
    }

    fun run(inputs: Map<String, TensorBuffer>, outputs: Map<String, TensorBuffer>, signature: String = "") {
        Pipe.request(signature, size, 0, inputs.mapValues { it.value.values }, outputs.keys)
        outputs.values.forEach { it.values = Pipe.read() }
    }

    override fun close() = Unit

    companion object {
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options = Options(Accelerator.CPU),
            optionalEnv: Environment? = null,
        ): CompiledModel {
            check(Accelerator.CPU in options.accelerators && optionalEnv != null && assetManager.isOpen)
            return CompiledModel(File(assetName).length().toInt())
        }
    }
}
