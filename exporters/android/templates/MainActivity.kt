package %%{package}

import android.graphics.Bitmap
import android.net.Uri
import android.os.Bundle
import android.util.Log
import android.view.View
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.Button
import android.widget.ImageView
import android.widget.Spinner
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia
import java.util.concurrent.Executors

/** Chooses a photo, translates it, and shows it before and after. */
class MainActivity : ComponentActivity() {
    private val worker = Executors.newSingleThreadExecutor() // the only thread that uses the model
    private var translator: Translator? = null
    private var photo: Bitmap? = null
    private var choice = CHOICES.first()
    private val picker = registerForActivityResult(PickVisualMedia()) { uri -> if (uri != null) open(uri) }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_main)
        val names = CHOICES.map { it.name }
        val spinner = findViewById<Spinner>(R.id.signature)
        spinner.adapter = ArrayAdapter(this, android.R.layout.simple_spinner_dropdown_item, names)
        spinner.onItemSelectedListener = object : AdapterView.OnItemSelectedListener {
            override fun onItemSelected(parent: AdapterView<*>?, view: View?, position: Int, id: Long) {
                choice = CHOICES[position]
                translate()
            }

            override fun onNothingSelected(parent: AdapterView<*>?) = Unit
        }
        findViewById<Button>(R.id.pick).setOnClickListener {
            picker.launch(PickVisualMediaRequest(PickVisualMedia.ImageOnly))
        }
        inBackground {
            val loaded = Translator(applicationContext)
            translator = loaded
            val version = MODEL_VERSION.ifEmpty { "without a version" }
            show("model $version on the ${loaded.accelerator}")
        }
    }

    override fun onDestroy() {
        super.onDestroy()
        worker.execute { translator?.close() } // after what is still running
        worker.shutdown()
    }

    private fun open(uri: Uri) = inBackground {
        val image = uprightBitmap(contentResolver, uri, MAX_PHOTO_PIXELS)
        runOnUiThread {
            photo = image
            findViewById<ImageView>(R.id.before).setImageBitmap(image)
            findViewById<ImageView>(R.id.after).setImageDrawable(null)
            translate()
        }
    }

    /** Translates the photo by the chosen signature, if there is a photo. */
    private fun translate() {
        val image = photo ?: return
        val chosen = choice
        inBackground {
            val loaded = translator ?: throw IllegalStateException("the model is not loaded")
            val start = System.nanoTime()
            val result = chosen.translate(loaded, image)
            val milliseconds = (System.nanoTime() - start) / 1_000_000
            show("${chosen.name}: $milliseconds ms on the ${loaded.accelerator}, resizing included")
            runOnUiThread { findViewById<ImageView>(R.id.after).setImageBitmap(result) }
        }
    }

    private fun inBackground(work: () -> Unit) = worker.execute {
        try {
            work()
        } catch (error: Exception) {
            Log.e("MainActivity", "failed", error)
            show("failed: ${error.message}")
        }
    }

    private fun show(text: String) = runOnUiThread { findViewById<TextView>(R.id.status).text = text }
}
